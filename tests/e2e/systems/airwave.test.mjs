// AIRWAVE: workflow executions told to its clients. Its own paths, its own words.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import path from 'node:path';

import { eventually, startServer, temporaryDirectory } from '../../support/server.mjs';
import { fanfare, sql, system } from './system.mjs';

const here = system('airwave');
const { requirement, later } = here;

/** A client with one subscription at a path of the receiver. */
async function subscribed(more = {}) {
  const client = here.fresh('client');
  const where = `/${client}`;
  const webhook = await here.ok('POST', '/api/webhooks',
    { url: here.receiver.url(where), events: ['execution.completed'], client_id: client, ...more });
  const complete = (data = { execution_id: 'exe_1', status: 'completed' }) =>
    here.publish({ event_type: 'execution.completed', client_id: client, data });
  return { client, where, webhook, complete };
}

const audit = async (query) => (await here.ok('GET', `/api/v1/audit-logs?${query}`)).data;
const shown = (webhook) => here.ok('GET', `/api/webhooks/${webhook.id}`);

requirement('A1', 'a subscription keeps its policy, threshold, last trigger and failures in a row', async () => {
  const one = await subscribed({
    retry_config: { schedule: ['1m', '5m'], attempts: 3 }, failure_threshold: 7,
  });
  here.receiver.on(one.where, 500);
  const before = await shown(one.webhook);
  await one.complete();
  const after = await eventually(async () => {
    const now = await shown(one.webhook);
    return now.last_triggered_at && now.last_error ? now : undefined;
  });

  assert.equal(before.client_id, one.client);
  assert.deepEqual(before.events, ['execution.completed']);
  assert.equal(before.url, here.receiver.url(one.where));
  assert.deepEqual(before.retry_config.schedule, ['1m', '5m']);
  assert.equal(before.retry_config.attempts, 3);
  assert.equal(before.failure_threshold, 7);
  assert.equal(before.last_triggered_at, null);
  assert.equal(before.consecutive_failures, 0);
  assert.match(after.last_triggered_at, /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.equal(after.consecutive_failures, 1);
});

requirement('A2', 'each attempt keeps status, headers, body, error and its number', async () => {
  const one = await subscribed({ retry_config: { schedule: ['1s'], attempts: 2 } });
  here.receiver.on(one.where, [
    { status: 503, headers: { 'x-why': 'maintenance' }, body: 'come back' }, { status: 200, body: 'thanks' }]);
  const event = await one.complete();
  const done = await here.delivery(event, (delivery) => delivery.status === 'success');
  const { attempt_log: [first, second] } = await here.ok('GET', `/api/v1/deliveries/${done.id}`);

  assert.equal(done.attempts, 2);
  assert.equal(first.success, false);
  assert.equal(first.response.status, 503);
  assert.equal(first.response.headers['x-why'], 'maintenance');
  assert.equal(first.response.body, 'come back');
  assert.match(first.error, /503/);
  assert.equal(first.number, 1);
  assert.equal(second.success, true);
  assert.equal(second.response.body, 'thanks');
  assert.equal(second.number, 2);
});

requirement('A3', 'the trail says who did what, when, from where and with what program', async () => {
  const client = here.fresh('client');
  const { json: made } = await here.call('POST', '/api/webhooks',
    { url: here.receiver.url('/a3'), events: ['*'], client_id: client }, { 'User-Agent': 'airwave-ui/7' });
  const [entry] = await audit(`object=${made.id}&action=webhook.created`);

  assert.equal(entry.action, 'webhook.created');
  assert.equal(entry.object.id, made.id);
  assert.equal(entry.ip, '127.0.0.1');
  assert.equal(entry.user_agent, 'airwave-ui/7');
  assert.match(entry.id, /^aud_/);
  assert.match(entry.created_at, /Z$/);
  assert.ok(entry.actor);
  assert.ok(entry.request_id);
  assert.equal(typeof entry.metadata, 'object');
  assert.ok(!JSON.stringify(entry).includes(made.secret));
  const started = await audit('action=server.started');
  assert.equal(started.length, 1, 'system events are in the trail too');
});

later('A4', 'row-level security needs PostgreSQL');

requirement('A5', 'webhook_metrics has success rate and performance of each subscription', async () => {
  const one = await subscribed();
  here.receiver.on(one.where, [{ status: 200 }, { status: 200 }, { status: 200 }, { status: 410 }]);
  for (let i = 0; i < 4; i += 1) {
    const event = await one.complete({ n: i });
    await here.delivery(event, (delivery) => ['success', 'failed'].includes(delivery.status));
  }
  const row = await eventually(() => {
    const [found] = here.sql(`SELECT * FROM webhook_metrics WHERE webhook_id = '${one.webhook.id}'`);
    return found?.total_deliveries === 4 ? found : undefined;
  });

  assert.equal(row.successful_deliveries, 3);
  assert.equal(row.failed_deliveries, 1);
  assert.ok(Math.abs(row.success_rate - 75) < 0.01 || Math.abs(row.success_rate - 0.75) < 0.0001, `${row.success_rate}`);
  assert.ok(row.average_response_time_ms >= 0);
});

requirement('A6', 'one call answers the health of the system, with reasons', async () => {
  const health = await here.ok('GET', '/api/v1/health');
  const [row] = here.sql('SELECT * FROM webhook_health');

  assert.match(health.status, /^(healthy|degraded|failing)$/);
  assert.ok(Array.isArray(health.reasons));
  assert.equal(health.status === 'healthy', health.reasons.length === 0);
  assert.ok(row, 'the view answers one row');
});

requirement('A7', 'old records can be cleaned up, and how long they stay is configurable', async () => {
  const preview = await here.ok('POST', '/api/v1/maintenance/cleanup', { dry_run: true });
  const done = await here.fanfare('cleanup');
  const refused = await fanfare(['serve', '--retention-attempts', 'soon'], {});

  assert.equal(preview.dry_run, true);
  assert.equal(done.code, 0, done.stderr);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /retention-attempts/);
  const health = await eventually(async () => {
    const now = await here.ok('GET', '/api/v1/health');
    return JSON.stringify(now).includes('cleanup') ? now : undefined;
  });
  assert.ok(health);
});

requirement('A8', 'migrations are shown before they run, run from nothing and on what is there', async (t) => {
  const { directory, remove } = temporaryDirectory();
  t.after(remove);
  const env = { FANFARE_DATABASE: `sqlite:${path.join(directory, 'new.db')}` };
  const plan = await fanfare(['migrate', 'plan'], env);
  const up = await fanfare(['migrate', 'up'], env);
  const again = await fanfare(['migrate', 'up'], env);
  const status = await fanfare(['migrate', 'status'], env);

  assert.equal(plan.code, 0, plan.stderr);
  assert.match(plan.stdout, /CREATE TABLE tenants/);
  assert.equal(up.code, 0, up.stderr);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(status.code, 0, status.stderr);
  assert.ok(sql(path.join(directory, 'new.db'), 'SELECT count(*) AS n FROM schema_migrations')[0].n >= 2);
});

requirement('A9', 'their curl line creates a webhook', async () => {
  const client = here.fresh('client');
  const { status, json } = await here.curl('-X', 'POST', here.url('/api/webhooks'),
    '-H', 'Content-Type: application/json', '-H', `Authorization: Bearer ${here.server.adminKey}`,
    '-d', JSON.stringify({ url: 'https://example.com/webhook', events: ['execution.completed'], client_id: client }));

  assert.equal(status, 201);
  assert.equal(json.client_id, client);
  assert.equal((await audit(`object=${json.id}`))[0].action, 'webhook.created');
});

requirement('A10', 'the list carries each webhook\'s metrics', async () => {
  const one = await subscribed();
  await here.delivery(await one.complete(), (delivery) => delivery.status === 'success');
  const { json } = await here.curl(here.url(`/api/webhooks?client_id=${one.client}`),
    '-H', `Authorization: Bearer ${here.server.adminKey}`);

  assert.equal(json.data.length, 1);
  assert.equal(json.data[0].metrics.successful, 1);
  assert.equal(json.data[0].metrics.failed, 0);
  assert.equal(json.data[0].total_deliveries, 1);
});

requirement('A11', 'an update is made, and the trail says what changed', async () => {
  const { webhook } = await subscribed({ description: 'before' });
  const changed = await here.ok('PUT', `/api/webhooks/${webhook.id}`, { description: 'after', is_active: false });
  const [entry] = await audit(`object=${webhook.id}&action=webhook.*`);

  assert.equal(changed.description, 'after');
  assert.equal(changed.active, false);
  assert.equal(entry.before.description, 'before');
  assert.equal(entry.after.description, 'after');
  assert.equal(entry.after.url, undefined, 'what did not change is not in the entry');
});

requirement('A12', 'a delete is made and audited', async () => {
  const { webhook } = await subscribed();
  const gone = await here.call('DELETE', `/api/webhooks/${webhook.id}`);

  assert.equal(gone.status, 204);
  assert.equal((await here.call('GET', `/api/webhooks/${webhook.id}`)).status, 404);
  assert.equal((await audit(`object=${webhook.id}`))[0].action, 'webhook.deleted');
});

requirement('A13', 'a test delivery is sent and logged', async () => {
  const one = await subscribed();
  const result = await here.ok('POST', '/api/webhooks/test', { webhook_id: one.webhook.id, event_type: 'execution.completed' });
  const [request] = await here.receiver.waitFor(one.where);

  assert.equal(result.success, true);
  assert.equal(request.text, result.request.body);
  const logged = await here.ok('GET', `/api/v1/deliveries/${result.delivery_id}`);
  assert.equal(logged.is_test, true);
  assert.equal(logged.status, 'success');
});

requirement('A14', 'an event goes to its webhooks, is retried by the policy, recorded and counted', async () => {
  const one = await subscribed({ retry_config: { schedule: ['1s'], attempts: 2 } });
  here.receiver.on(one.where, [500, 200]);
  const event = await one.complete({ execution_id: 'exe_14' });
  const delivered = await here.delivery(event, (delivery) => delivery.status === 'success');
  const requests = await here.receiver.waitFor(one.where, 2);

  assert.equal(delivered.attempts, 2);
  assert.equal(requests[0].text, requests[1].text);
  assert.ok(requests[1].receivedAt - requests[0].receivedAt >= 1000);
  const metrics = await eventually(async () => {
    const now = await shown(one.webhook);
    return now.successful_deliveries === 1 ? now : undefined;
  });
  assert.equal(metrics.consecutive_failures, 0);
  assert.equal(metrics.last_status, 'success');
});

requirement('A15', 'failures in a row disable the webhook, and the trail says so', async () => {
  const one = await subscribed({ failure_threshold: 3, retry_config: { schedule: ['1s'], attempts: 2 } });
  here.receiver.on(one.where, 500);
  await one.complete();
  await one.complete();
  const disabled = await eventually(async () => {
    const now = await shown(one.webhook);
    return now.status === 'disabled' ? now : undefined;
  });
  const entry = await eventually(async () =>
    (await audit(`object=${one.webhook.id}&action=webhook.disabled`))[0]);

  assert.equal(disabled.disabled_reason, 'failures');
  assert.equal(disabled.active, false);
  assert.match(JSON.stringify(entry.actor), /system/);
});

later('A16', 'views under their table names come with PostgreSQL');

// A profile's server takes its profile's word, and a random key proves that nothing above depended on the admin's.
requirement('A9', 'a client\'s own key needs no client_id', async (t) => {
  const { directory, remove } = temporaryDirectory();
  const server = await startServer({
    args: ['--profile', 'airwave'], database: `sqlite:${path.join(directory, 'own.db')}`,
    env: { FANFARE_ADMIN_KEY: randomBytes(24).toString('hex') },
  });
  t.after(async () => { await server.stop(); remove(); });
  const { apiOk } = await import('../../support/server.mjs');
  const { key } = await apiOk(server, 'POST', '/api-keys', { body: { client_id: 'acme', role: 'tenant' } });

  const made = await apiOk(server, 'POST', '/api/webhooks',
    { body: { url: 'https://example.com/hook', events: ['execution.failed'] }, key });

  assert.equal(made.client_id, 'acme');
});
