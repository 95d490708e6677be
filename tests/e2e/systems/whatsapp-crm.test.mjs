// The WhatsApp CRM: many tenants, counters, logs and statistics, four quick retries.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

import { apiOk, eventually, startServer, temporaryDirectory } from '../../support/server.mjs';
import { fanfare, hexHmac, repository, simulated, sql, system, verifies } from './system.mjs';

const run = promisify(execFile);
const here = system('whatsapp-crm');
const { requirement, later } = here;
const base = '/api/v1/webhooks';

/** A tenant that calls with its own key, and a path of the receiver. */
async function tenant() {
  const name = here.fresh('shop');
  const key = await here.keyOf(name);
  const caller = here.as(key);
  const where = `/${name}`;
  const webhook = (more = {}) => caller.ok('POST', `${base}/`,
    { name: 'CRM', url: here.receiver.url(where), events: ['*'], ...more });
  const tell = (type = 'message.new', payload = { message_id: 'm-1' }) =>
    here.publish({ tenant_id: name, type, payload });
  return { name, key, where, webhook, tell, ...caller };
}
const counted = (one, webhook, total) => eventually(async () => {
  const now = await one.ok('GET', `${base}/${webhook.id}`);
  return now.total_deliveries === total ? now : undefined;
});

requirement('W1', 'a webhook has their fields, and its counters count', async () => {
  const one = await tenant();
  const webhook = await one.webhook();
  here.receiver.on(one.where, [200, 200, 410]);
  for (const wanted of ['success', 'success', 'failed']) {
    await here.delivery(await one.tell(), (delivery) => delivery.status === wanted);
  }
  const now = await counted(one, webhook, 3);

  assert.equal(now.tenant_id, one.name);
  assert.equal(now.name, 'CRM');
  assert.equal(now.status, 'disabled', 'a 410 disables');
  assert.equal(now.is_active, false);
  assert.equal(now.retry_count, 3);
  assert.equal(now.timeout_seconds, 30);
  assert.equal(now.successful_deliveries, 2);
  assert.equal(now.failed_deliveries, 1);
  for (const time of ['last_triggered_at', 'created_at', 'updated_at']) assert.match(now[time], /Z$/, time);
  assert.equal(webhook.secret === undefined, false);
  assert.equal(now.secret, undefined);
});

requirement('W2', 'the log has their fields, and its pages are limited', async () => {
  const one = await tenant();
  const webhook = await one.webhook();
  here.receiver.on(one.where, { status: 201, body: 'stored' });
  for (let i = 0; i < 3; i += 1) {
    await here.delivery(await one.tell('contact.created', { i }), (delivery) => delivery.status === 'success');
  }
  const first = await one.ok('GET', `${base}/${webhook.id}/logs?limit=2`);
  const rest = await one.ok('GET', `${base}/${webhook.id}/logs?limit=2&cursor=${first.next_cursor}`);
  const [log] = first.data;

  assert.equal(first.data.length, 2);
  assert.equal(first.has_more, true);
  assert.equal(rest.data.length, 1);
  assert.equal(log.webhook_id, webhook.id);
  assert.equal(log.event_type, 'contact.created');
  assert.equal(log.response.status, 201);
  assert.equal(log.response.body, 'stored');
  assert.ok(log.timing.total_ms >= 0);
  assert.equal(log.success, true);
  assert.equal(log.number, 1);
  assert.match(log.request.body, /contact\.created/);
  assert.equal((await one.call('GET', `${base}/${webhook.id}/logs?limit=251`)).status, 422);
});

requirement('W3', 'POST / creates', async () => {
  const one = await tenant();
  const made = await one.call('POST', `${base}/`, { name: 'n', url: 'https://example.com/h', events: ['message.new'] });
  assert.equal(made.status, 201);
});
requirement('W4', 'GET / lists', async () => {
  const one = await tenant();
  const webhook = await one.webhook();
  const list = await one.ok('GET', `${base}/`);
  assert.deepEqual(list.data.map((row) => row.id), [webhook.id]);
});
requirement('W5', 'GET /events lists what there is to subscribe to', async () => {
  const one = await tenant();
  const { data } = await one.ok('GET', `${base}/events`);
  assert.ok(data.some((type) => type.name === 'message.new' && type.description && type.sample));
});
requirement('W6', 'GET /{id} shows one', async () => {
  const one = await tenant();
  const webhook = await one.webhook();
  assert.equal((await one.ok('GET', `${base}/${webhook.id}`)).url, webhook.url);
});
requirement('W7', 'PATCH /{id} changes', async () => {
  const one = await tenant();
  const webhook = await one.webhook();
  const changed = await one.ok('PATCH', `${base}/${webhook.id}`, { name: 'new', is_active: false });
  assert.deepEqual([changed.name, changed.is_active], ['new', false]);
});
requirement('W8', 'DELETE /{id} removes', async () => {
  const one = await tenant();
  const webhook = await one.webhook();
  assert.equal((await one.call('DELETE', `${base}/${webhook.id}`)).status, 204);
  assert.equal((await one.call('GET', `${base}/${webhook.id}`)).status, 404);
});
requirement('W9', 'POST /{id}/test sends a test', async () => {
  const one = await tenant();
  const webhook = await one.webhook();
  const result = await one.ok('POST', `${base}/${webhook.id}/test`, { event_type: 'message.new' });
  assert.equal(result.success, true);
  assert.equal((await here.receiver.waitFor(one.where)).length, 1);
});
requirement('W10', 'GET /{id}/logs has failures with their reason', async () => {
  const one = await tenant();
  const webhook = await one.webhook({ retry_count: 0 });
  here.receiver.on(one.where, 500);
  await here.delivery(await one.tell(), (delivery) => delivery.status === 'failed');
  const { data: [log] } = await one.ok('GET', `${base}/${webhook.id}/logs?status=failed`);
  assert.equal(log.success, false);
  assert.match(log.error, /500/);
  assert.ok(log.diagnosis.length > 20);
});
requirement('W11', 'GET /{id}/stats sums up', async () => {
  const one = await tenant();
  const webhook = await one.webhook();
  await here.delivery(await one.tell(), (delivery) => delivery.status === 'success');
  const stats = await eventually(async () => {
    const now = await one.ok('GET', `${base}/${webhook.id}/stats?window=1h`);
    return now.total === 1 ? now : undefined;
  });
  assert.equal(stats.successful, 1);
  assert.ok(Array.isArray(stats.series));
});

requirement('W12', 'all 22 names and the wildcard', async () => {
  const { data } = await here.ok('GET', '/api/v1/event-types?limit=250');
  const names = [
    ...['new', 'sent', 'delivered', 'read', 'failed'].map((what) => `message.${what}`),
    ...['created', 'updated', 'assigned', 'resolved', 'closed'].map((what) => `conversation.${what}`),
    ...['created', 'updated'].map((what) => `contact.${what}`),
    ...['started', 'completed', 'failed'].map((what) => `campaign.${what}`),
    ...['started', 'completed', 'failed'].map((what) => `flow.${what}`),
    ...['triggered', 'completed'].map((what) => `automation.${what}`),
    ...['approved', 'rejected'].map((what) => `template.${what}`)];
  const one = await tenant();
  await one.webhook({ events: ['*'] });
  for (const name of names) await one.tell(name, { of: name });
  const requests = await here.receiver.waitFor(one.where, names.length);

  assert.equal(names.length, 22);
  assert.deepEqual(data.map((type) => type.name).sort(), [...names].sort());
  assert.deepEqual(requests.map((request) => request.json.event).sort(), [...names].sort());
});

const pythonCode = `
import hashlib, hmac, sys
secret, body, given = sys.argv[1:]
expected = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
print("ok" if hmac.compare_digest(expected, given) else "bad")
`;
const nodeCode = `
const crypto = require('node:crypto');
const [secret, body, given] = process.argv.slice(1);
const expected = crypto.createHmac('sha256', secret).update(body).digest('hex');
console.log(crypto.timingSafeEqual(Buffer.from(expected), Buffer.from(given)) ? 'ok' : 'bad');
`;
requirement('W13', 'every delivery is signed, retries too', async () => {
  const one = await tenant();
  const webhook = await one.webhook({ retry_count: 1 });
  here.receiver.on(one.where, [500, 200]);
  await one.tell();
  for (const request of await here.receiver.waitFor(one.where, 2)) {
    assert.equal(request.headers['x-webhook-signature'], hexHmac(webhook.secret, request.text));
  }
});
requirement('W14', 'the secret is the user\'s own or a generated one', async () => {
  const one = await tenant();
  const generated = await one.webhook();
  const given = await one.webhook({ secret: 'a secret of our own choice' });
  await one.tell();
  const requests = await here.receiver.waitFor(one.where, 2);
  const signatures = requests.map((request) => request.headers['x-webhook-signature']);

  assert.ok(generated.secret.length >= 32);
  assert.ok(requests.some((request) => signatures.includes(hexHmac(generated.secret, request.text))));
  assert.ok(requests.some((request) => signatures.includes(hexHmac('a secret of our own choice', request.text))));
  assert.equal(given.secret, 'a secret of our own choice');
});
requirement('W15', 'receivers in Node.js and Python verify a real delivery, and refuse a changed one', async () => {
  const one = await tenant();
  const webhook = await one.webhook();
  await one.tell('message.new', { text: 'grüße' });
  const [request] = await here.receiver.waitFor(one.where);
  const signature = request.headers['x-webhook-signature'];
  for (const [language, code] of [['node', nodeCode], ['python', pythonCode]]) {
    assert.ok(verifies(language, code, webhook.secret, request.text, signature), language);
    assert.ok(!verifies(language, code, webhook.secret, request.text.replace('message', 'massage'), signature), language);
  }
});
requirement('W16', 'a tenant neither sees nor touches nor gets another\'s', async () => {
  const [mine, other] = [await tenant(), await tenant()];
  const webhook = await mine.webhook();
  await other.webhook();
  await mine.tell('message.new', { canary: 'only mine' });
  await here.receiver.waitFor(mine.where);

  for (const [method, where] of [
    ['GET', `${base}/${webhook.id}`], ['PATCH', `${base}/${webhook.id}`], ['DELETE', `${base}/${webhook.id}`],
    ['POST', `${base}/${webhook.id}/test`], ['GET', `${base}/${webhook.id}/logs`], ['GET', `${base}/${webhook.id}/stats`]]) {
    const answer = await other.call(method, where, ['GET', 'DELETE'].includes(method) ? undefined : {});
    assert.equal(answer.status, 404, `${method} ${where}`);
    assert.ok(!answer.text.includes('only mine'));
  }
  const theirs = await other.ok('GET', `${base}/`);
  assert.ok(!theirs.data.some((row) => row.id === webhook.id));
  assert.equal(here.receiver.requests(other.where).length, 0);
});
requirement('W17', 'three retries after 1 s, 2 s, 4 s by default, and as many as are asked for', async () => {
  const one = await tenant();
  await one.webhook();
  here.receiver.on(one.where, 503);
  const event = await one.tell();
  const requests = await here.receiver.waitFor(one.where, 4, 30_000);
  const ended = await here.delivery(event, (delivery) => delivery.status === 'failed');

  const gaps = requests.slice(1).map((request, i) => request.receivedAt - requests[i].receivedAt);
  gaps.forEach((gap, i) => assert.ok(gap >= [1000, 2000, 4000][i] - 20, `retry ${i + 1} came after ${gap} ms`));
  assert.equal(ended.attempts, 4);
  assert.equal((await one.webhook({ retry_count: 4 })).retry_count, 4);
});
requirement('W17', 'the fourth retry comes after 8 s (simulated clock)', async () => {
  assert.ok(await simulated('Schedules.WhatsappCrm*'));
});
requirement('W18', 'the timeout is 30 s unless it says otherwise, and it is kept', async () => {
  const one = await tenant();
  const usual = await one.webhook();
  const quick = await one.webhook({ timeout_seconds: 1, retry_count: 0, url: here.receiver.url('/hangs'), events: ['flow.failed'] });
  here.receiver.on('/hangs', 'hang');
  const event = await one.tell('flow.failed');
  const ended = await eventually(async () => {
    const { data } = await here.ok('GET', `/api/v1/events/${event.id}/deliveries`);
    return data.find((delivery) => delivery.webhook_id === quick.id && delivery.status === 'failed');
  });

  assert.equal(usual.timeout_seconds, 30);
  assert.equal(ended.error_kind, 'timeout');
  assert.ok(ended.response_time_ms >= 990, `${ended.response_time_ms}`);
});
requirement('W19', 'the first attempt starts within 2 s of the event, a hanging neighbour or not', async () => {
  const one = await tenant();
  await one.webhook({ url: here.receiver.url('/w19-hangs') });
  here.receiver.on('/w19-hangs', 'hang');
  await one.webhook({ url: here.receiver.url('/w19') });
  const event = await one.tell();
  await here.receiver.waitFor('/w19');
  const delivery = await eventually(async () => {
    const { data } = await here.ok('GET', `/api/v1/events/${event.id}/deliveries`);
    return data.find((one_) => one_.status === 'success');
  });
  const { attempt_log: [attempt] } = await here.ok('GET', `/api/v1/deliveries/${delivery.id}`);

  assert.ok(Date.parse(attempt.started_at) - Date.parse(delivery.created_at) < 2000);
});
requirement('W20', 'statistics: success rate, average response time, counts', async () => {
  const one = await tenant();
  const webhook = await one.webhook({ retry_count: 0 });
  here.receiver.on(one.where, [200, 200, 200, 500]);
  for (const wanted of ['success', 'success', 'success', 'failed']) {
    await here.delivery(await one.tell(), (delivery) => delivery.status === wanted);
  }
  const stats = await eventually(async () => {
    const now = await one.ok('GET', `${base}/${webhook.id}/stats?window=24h`);
    return now.total === 4 ? now : undefined;
  });

  assert.equal(stats.successful, 3);
  assert.equal(stats.failed, 1);
  assert.ok([0.75, 75].includes(stats.success_rate), `${stats.success_rate}`);
  assert.ok(stats.average_response_time_ms >= 0);
  assert.ok(stats.p50_response_time_ms <= stats.p95_response_time_ms);
  assert.ok(stats.p95_response_time_ms <= stats.p99_response_time_ms);
  assert.equal(stats.last_status, 'failed');
});
requirement('W21', 'last triggered and its status follow each delivery', async () => {
  const one = await tenant();
  const webhook = await one.webhook({ retry_count: 0 });
  here.receiver.on(one.where, [200, 500]);
  await here.delivery(await one.tell(), (delivery) => delivery.status === 'success');
  const first = await eventually(async () => {
    const now = await one.ok('GET', `${base}/${webhook.id}`);
    return now.last_status === 'success' ? now : undefined;
  });
  await here.delivery(await one.tell(), (delivery) => delivery.status === 'failed');
  const second = await eventually(async () => {
    const now = await one.ok('GET', `${base}/${webhook.id}`);
    return now.last_status === 'failed' ? now : undefined;
  });

  assert.ok(Date.parse(second.last_triggered_at) >= Date.parse(first.last_triggered_at));
});
requirement('W22', 'a test sends the sample of any event type, or a payload of one\'s own', async () => {
  const one = await tenant();
  const webhook = await one.webhook();
  const { data } = await one.ok('GET', `${base}/events`);
  for (const type of data) {
    const result = await one.ok('POST', `${base}/${webhook.id}/test`, { event_type: type.name });
    assert.equal(result.success, true, type.name);
    assert.deepEqual(JSON.parse(result.request.body).data, type.sample, type.name);
  }
  const own = await one.ok('POST', `${base}/${webhook.id}/test`, { payload: { mine: true } });
  assert.deepEqual(JSON.parse(own.request.body).data, { mine: true });
  assert.equal((await one.ok('GET', `${base}/${webhook.id}`)).total_deliveries, 0, 'tests count in no statistic');
});
requirement('W23', 'what is wrong with a request is said, field by field', async () => {
  const one = await tenant();
  const bad = {
    '/url': { url: 'ftp://x', events: ['*'] }, '/events': { url: 'https://example.com', events: [] },
    '/events/0': { url: 'https://example.com', events: ['message.now'] },
    '/timeout_seconds': { url: 'https://example.com', events: ['*'], timeout_seconds: 0 },
    '/retry_count': { url: 'https://example.com', events: ['*'], retry_count: -1 },
    '/colour': { url: 'https://example.com', events: ['*'], colour: 'red' },
  };
  for (const [pointer, body] of Object.entries(bad)) {
    const { status, json } = await one.call('POST', `${base}/`, body);
    assert.equal(status, 422, pointer);
    assert.ok(json.errors.some((error) => error.pointer === pointer && error.detail), `${pointer}: ${JSON.stringify(json)}`);
  }
  assert.equal((await one.call('POST', `${base}/`, '{"url":')).status, 400);
});
later('W24', 'rate limits');
requirement('W25', 'a publish is answered while receivers hang, and logs share commits', async () => {
  const one = await tenant();
  await one.webhook({ url: here.receiver.url('/w25') });
  here.receiver.on('/w25', 'hang');
  for (let i = 0; i < 20; i += 1) {
    const event = await one.tell('message.sent', { i });
    assert.match(event.id, /^evt_/);
  }
  assert.ok(here.receiver.requests('/w25').length <= 20);
  assert.ok(await simulated('JournalTest.*'), 'the journal\'s own tests show that one commit takes all that waits');
});
requirement('W26', 'publishing is one call: tenant, event type, payload', async () => {
  const one = await tenant();
  await one.webhook();
  const published = await apiOk(here.server, 'POST', '/events',
    { body: { tenant_id: one.name, event_type: 'campaign.started', payload: { campaign: 'spring' } } });
  const [request] = await here.receiver.waitFor(one.where);

  assert.equal(published.deliveries, 1);
  assert.deepEqual(request.json.data, { campaign: 'spring' });
});
requirement('W27', 'a migration goes up and, where nothing is lost, down again', async (t) => {
  const { directory, remove } = temporaryDirectory();
  t.after(remove);
  const env = { FANFARE_DATABASE: `sqlite:${path.join(directory, 'm.db')}` };
  const versions = () => sql(path.join(directory, 'm.db'), 'SELECT count(*) AS n FROM schema_migrations')[0].n;
  assert.equal((await fanfare(['migrate', 'up'], env)).code, 0);
  const newest = versions();
  const down = await fanfare(['migrate', 'down'], env);

  assert.equal(down.code, 0, down.stderr);
  assert.equal(versions(), newest - 1);
  assert.equal((await fanfare(['migrate', 'up'], env)).code, 0);
  assert.equal(versions(), newest);
});
requirement('W28', 'one script exercises every operation and reports', async () => {
  const { stdout } = await run(path.join(repository, 'scripts/try-every-operation'),
    ['--url', here.server.url, '--key', here.server.adminKey, '--receiver-host', '127.0.0.1'], { timeout: 120_000 });
  assert.match(stdout, /0 failed/);
});
later('W29', 'the written guides');
later('W30', 'the written guides');
requirement('W31', 'the schema is one script, and plain http is refused if the operator says so', async (t) => {
  const { directory, remove } = temporaryDirectory();
  const schema = await fanfare(['migrate', 'schema'], {});
  const server = await startServer({ args: ['--profile', 'whatsapp-crm', '--egress-http=false'],
    database: `sqlite:${path.join(directory, 'https.db')}` });
  t.after(async () => { await server.stop(); remove(); });
  const { api } = await import('../../support/server.mjs');
  const plain = await api(server, 'POST', '/webhooks',
    { body: { url: 'http://example.com/h', events: ['*'], tenant_id: 'shop' } });

  assert.equal(schema.code, 0, schema.stderr);
  assert.match(schema.stdout, /CREATE TABLE webhooks/);
  assert.match(schema.stdout, /CREATE TABLE audit_log/);
  assert.equal(plain.status, 422);
  assert.match(plain.text, /https/);
});
