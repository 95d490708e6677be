// The operations centre: organizations, thirty events, a hex signature over the raw body, SQL for people.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { eventually } from '../../support/server.mjs';
import { hexHmac, simulated, system, verifies } from './system.mjs';

const here = system('ops-center');
const { requirement, later } = here;
const base = '/api/v1/webhooks';

async function organization() {
  const name = here.fresh('org');
  const key = await here.keyOf(name);
  const caller = here.as(key);
  const where = `/${name}`;
  const webhook = (more = {}) => caller.ok('POST', base,
    { url: here.receiver.url(where), events: ['*'], description: 'ops', active: true, ...more });
  const tell = (event = 'device.offline', data = { device_id: 'd-1' }) => here.publish({ org_id: name, event, data });
  return { name, key, where, webhook, tell, ...caller };
}

requirement('O1', 'POST creates', async () => {
  const one = await organization();
  const made = await one.call('POST', base, { url: 'https://example.com/h', events: ['user.created'], description: 'd', active: true });
  assert.equal(made.status, 201);
  assert.equal(made.json.org_id, one.name);
  assert.equal(made.json.active, true);
});
requirement('O2', 'GET lists, with filters', async () => {
  const one = await organization();
  const devices = await one.webhook({ events: ['device.online'] });
  const billing = await one.webhook({ events: ['invoice.paid'], active: false });
  const ids = async (query) => (await one.ok('GET', `${base}?${query}`)).data.map((row) => row.id);

  assert.deepEqual(await ids('event=device.online'), [devices.id]);
  assert.deepEqual(await ids('status=disabled'), [billing.id]);
  assert.deepEqual((await ids('')).sort(), [devices.id, billing.id].sort());
});
requirement('O3', 'GET /{id}', async () => {
  const one = await organization();
  const webhook = await one.webhook();
  assert.equal((await one.ok('GET', `${base}/${webhook.id}`)).description, 'ops');
});
requirement('O4', 'PATCH /{id}', async () => {
  const one = await organization();
  const webhook = await one.webhook();
  assert.equal((await one.ok('PATCH', `${base}/${webhook.id}`, { description: 'new' })).description, 'new');
});
requirement('O5', 'DELETE /{id}', async () => {
  const one = await organization();
  const webhook = await one.webhook();
  assert.equal((await one.call('DELETE', `${base}/${webhook.id}`)).status, 204);
  assert.equal((await one.call('GET', `${base}/${webhook.id}`)).status, 404);
});
requirement('O6', 'POST /{id}/test', async () => {
  const one = await organization();
  const webhook = await one.webhook();
  const result = await one.ok('POST', `${base}/${webhook.id}/test`, { event_type: 'alert.triggered' });
  assert.equal(result.success, true);
  assert.equal((await here.receiver.waitFor(one.where))[0].json.event, 'alert.triggered');
});
requirement('O7', 'GET /{id}/deliveries', async () => {
  const one = await organization();
  const webhook = await one.webhook();
  const event = await one.tell();
  await here.delivery(event, (delivery) => delivery.status === 'success');
  const { data } = await one.ok('GET', `${base}/${webhook.id}/deliveries`);
  assert.equal(data.length, 1);
  assert.equal(data[0].event, 'device.offline');
});
requirement('O8', 'GET /events/available', async () => {
  const one = await organization();
  const { data } = await one.ok('GET', `${base}/events/available`);
  assert.equal(data.length, 30);
});
requirement('O9', 'thirty events in six categories; an unknown one is refused with the nearest', async () => {
  const of = (family, ...names) => names.map((name) => `${family}.${name}`);
  const names = [
    ...of('user', 'created', 'updated', 'deleted', 'login', 'logout', 'password_changed', 'email_verified', 'profile_updated'),
    ...of('subscription', 'created', 'updated', 'cancelled', 'renewed', 'payment_failed'),
    ...of('payment', 'succeeded', 'failed', 'refunded'), ...of('invoice', 'created', 'paid', 'overdue'),
    ...of('organization', 'created', 'updated', 'deleted'),
    ...of('device', 'registered', 'updated', 'deleted', 'online', 'offline', 'alert'), ...of('alert', 'triggered', 'resolved')];
  const one = await organization();
  const { data } = await one.ok('GET', `${base}/events/available`);
  const unknown = await one.call('POST', base, { url: here.receiver.url('/o9'), events: ['invoice.payed'] });

  assert.deepEqual(data.map((type) => type.name).sort(), [...names].sort());
  assert.equal(new Set(data.map((type) => type.category)).size, 6);
  assert.equal(unknown.status, 422);
  assert.match(unknown.text, /invoice\.paid/);
  await one.webhook({ events: ['*'] });
});
requirement('O10', 'the body is event, timestamp, data and webhook_id', async () => {
  const one = await organization();
  const webhook = await one.webhook();
  await one.tell('payment.succeeded', { amount: 1999 });
  const [{ json }] = await here.receiver.waitFor(one.where);
  assert.deepEqual(Object.keys(json).sort(), ['data', 'event', 'timestamp', 'webhook_id']);
  assert.equal(json.event, 'payment.succeeded');
  assert.equal(new Date(json.timestamp).toISOString(), json.timestamp);
  assert.deepEqual(json.data, { amount: 1999 });
  assert.equal(json.webhook_id, webhook.id);
});
const pythonCode = `
import hashlib, hmac, sys
secret, body, given = sys.argv[1:]
print("ok" if hmac.compare_digest(hmac.new(secret.encode("utf-8"), body.encode("utf-8"), hashlib.sha256).hexdigest(), given) else "bad")
`;
requirement('O11', 'their Python receiver verifies the raw body', async () => {
  const one = await organization();
  const webhook = await one.webhook({ secret: 'Schlüssel'.replace('ü', 'ue') + '-0123456789' });
  await one.tell('user.created', { name: 'Zoë' });
  const [request] = await here.receiver.waitFor(one.where);
  const signature = request.headers['x-webhook-signature'];
  assert.equal(signature, hexHmac(webhook.secret, request.body));
  assert.ok(verifies('python', pythonCode, webhook.secret, request.text, signature));
  assert.ok(!verifies('python', pythonCode, webhook.secret, request.text.replace('Zoë', 'Zoe'), signature));
});
requirement('O12', 'only 200–299 is a success; 30 s; six attempts, the second after a minute', async () => {
  const one = await organization();
  const webhook = await one.webhook();
  here.receiver.on(one.where, [204, 299, 302, 404]);
  for (const wanted of ['success', 'success', 'retrying', 'retrying']) {
    await here.delivery(await one.tell(), (delivery) => delivery.status === wanted);
  }
  const { data: [last] } = await one.ok('GET', `${base}/${webhook.id}/deliveries`);
  const wait = Date.parse(last.next_retry_at) - Date.parse(last.created_at);

  assert.equal(webhook.timeout_seconds, 30);
  assert.equal(last.max_attempts, 6);
  assert.ok(wait >= 60_000 && wait < 65_000, `${wait}`);
});
requirement('O12', '1 m, 5 m, 15 m, 1 h, 2 h (simulated clock)', async () => {
  assert.ok(await simulated('Schedules.OpsCenter*'));
});
requirement('O13', 'a webhook has their fields, and no secret is in the database as text', async () => {
  const one = await organization();
  const webhook = await one.webhook({ secret: 'plain-text-canary-0123456789' });
  await here.delivery(await one.tell(), (delivery) => delivery.status === 'success');
  const shown = await one.ok('GET', `${base}/${webhook.id}`);
  for (const field of ['org_id', 'url', 'events', 'active', 'description', 'created_at', 'updated_at']) {
    assert.notEqual(shown[field], undefined, field);
  }
  for (const suffix of ['', '-wal']) {
    assert.ok(!readFileSync(here.databaseFile + suffix).includes('plain-text-canary'), `database${suffix}`);
  }
});
requirement('O14', 'a delivery is one row with their fields, however many attempts', async () => {
  const one = await organization();
  const webhook = await one.webhook({ retry_policy: { schedule: ['1s'], attempts: 2 } });
  here.receiver.on(one.where, [500, { status: 200, body: 'fine' }]);
  const row = await here.delivery(await one.tell(), (delivery) => delivery.status === 'success');
  const detail = await here.ok('GET', `/api/v1/deliveries/${row.id}`);
  const { data } = await one.ok('GET', `${base}/${webhook.id}/deliveries`);

  assert.equal(data.length, 1);
  assert.equal(row.event, 'device.offline');
  assert.equal(row.attempt_number, 2);
  assert.equal(row.response_status, 200);
  assert.equal(row.response_body, 'fine');
  assert.match(row.delivered_at, /Z$/);
  assert.match(row.created_at, /Z$/);
  assert.deepEqual(JSON.parse(detail.attempt_log[1].request.body).data, { device_id: 'd-1' });
});
requirement('O15', 'their questions are answered by SQL on the running server\'s database', async () => {
  const one = await organization();
  await one.webhook({ retry_count: 0 });
  here.receiver.on(one.where, [200, 500]);
  await here.delivery(await one.tell('alert.resolved'), (delivery) => delivery.status === 'success');
  await here.delivery(await one.tell('alert.resolved'), (delivery) => delivery.status === 'failed');
  const statements = [...readFileSync(new URL('../../../docs/sql.md', import.meta.url), 'utf8')
    .matchAll(/```sql\n([\s\S]*?)```/g)].map(([, text]) => text.trim());
  const perEvent = statements.find((text) => /avg\(/i.test(text) && /group by/i.test(text) && /event/i.test(text));
  const failures = statements.find((text) => /limit 50/i.test(text));
  const row = here.sql(perEvent).find((found) => (found.event ?? found.event_type) === 'alert.resolved');
  const failed = here.sql(failures);

  assert.deepEqual([row.total ?? row.total_deliveries, row.successful], [2, 1]);
  assert.equal(Object.values(row).some((value) => value === 1), true);
  assert.ok(failed.length >= 1 && failed.length <= 50);
  assert.ok(failed.some((found) => (found.event ?? found.event_type) === 'alert.resolved'));
});
requirement('O16', 'publishing is one call: organization, event, data', async () => {
  const one = await organization();
  await one.webhook();
  const sent = await here.publish({ org_id: one.name, event: 'user.login', data: { user: 'u-1' } });
  const [request] = await here.receiver.waitFor(one.where);
  assert.equal(sent.deliveries, 1);
  assert.deepEqual(request.json.data, { user: 'u-1' });
});
later('O17', 'a web page');
requirement('O18', 'analytics: per event type and over time', async () => {
  const one = await organization();
  await one.webhook({ retry_count: 0 });
  here.receiver.on(one.where, [200, 500]);
  await here.delivery(await one.tell('user.login'), (delivery) => delivery.status === 'success');
  await here.delivery(await one.tell('user.logout'), (delivery) => delivery.status === 'failed');
  const stats = await eventually(async () => {
    const now = await one.ok('GET', '/api/v1/stats?window=1h');
    return now.total === 2 ? now : undefined;
  });
  const byType = Object.fromEntries(stats.by_event_type.map((row) => [row.event_type, row]));

  assert.equal(byType['user.login'].successful, 1);
  assert.equal(byType['user.logout'].failed, 1);
  assert.equal(stats.series.reduce((sum, bucket) => sum + bucket.successful + bucket.failed, 0), 2);
});
later('O18', 'the page that shows them');
later('O19', 'rate limits');
later('O20', 'filters and transformations');
later('O21', 'alerts');
later('O22', 'the written guides');
