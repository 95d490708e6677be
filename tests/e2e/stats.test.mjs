// What the server says of its deliveries: metrics of webhooks, series, and webhooks that keep failing.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { api, apiOk, eventually, startReceiver, startServer, temporaryDirectory } from '../support/server.mjs';
import { deliveryOf, freshPath, world } from './world.mjs';

const here = world();

// The counts follow the commit that a reader may see before them by a moment, so they are waited for.
async function over(tenant, event) {
  const delivery = await deliveryOf(tenant, event, (one) => one.status === 'success' || one.status === 'failed');
  await eventually(async () => {
    const shown = await tenant.ok('GET', `/webhooks/${delivery.webhook_id}`);
    return shown.last_triggered_at >= delivery.created_at ? shown : undefined;
  });
  return delivery;
}

test('a list of webhooks carries their metrics, and a webhook its last attempt', async () => {
  const tenant = await here.tenant();
  const path = freshPath();
  await tenant.webhook(path);
  await over(tenant, await tenant.publish());
  const [listed] = (await tenant.ok('GET', '/webhooks')).data;

  assert.equal(listed.metrics.total, 1);
  assert.equal(listed.metrics.successful, 1);
  assert.equal(listed.metrics.success_rate, 1);
  assert.ok(listed.metrics.average_response_time_ms >= 0);
  const shown = await tenant.ok('GET', `/webhooks/${listed.id}`);
  assert.equal(shown.last_status, 'success');
  assert.equal(shown.last_error, null);
  assert.match(shown.last_triggered_at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.equal(shown.total_deliveries, 1);
  assert.equal(shown.successful_deliveries, 1);
});

test('statistics of a webhook and of a tenant count its deliveries, and tests in none', async () => {
  const tenant = await here.tenant();
  const webhook = await tenant.webhook(freshPath());
  for (let i = 0; i < 3; i += 1) await over(tenant, await tenant.publish());
  await over(tenant, await tenant.publish({ event_type: 'invoice.paid' }));
  await tenant.ok('POST', `/webhooks/${webhook.id}/test`, {});

  const ofWebhook = await tenant.ok('GET', `/webhooks/${webhook.id}/stats?window=1h`);
  assert.equal(ofWebhook.total, 4);
  assert.equal(ofWebhook.successful, 4);
  assert.equal(ofWebhook.attempts, 4);
  assert.equal(ofWebhook.pending, 0);
  assert.equal(ofWebhook.series.reduce((sum, one) => sum + one.successful, 0), 4);
  const ofTenant = await tenant.ok('GET', '/stats');
  assert.deepEqual(ofTenant.by_event_type.map((one) => [one.event_type, one.total]),
    [['user.created', 3], ['invoice.paid', 1]]);
  const stranger = await here.tenant();
  assert.equal((await stranger.ok('GET', '/stats')).total, 0);
  assert.equal((await stranger.call('GET', `/webhooks/${webhook.id}/stats`)).status, 404);
});

test('after so many failed deliveries in a row a webhook is disabled by itself', async () => {
  const tenant = await here.tenant();
  const path = freshPath();
  here.receiver.on(path, 500);
  const webhook = await tenant.webhook(path, { failure_threshold: 2, retry_policy: { schedule: ['1s'], attempts: 1 } });
  await over(tenant, await tenant.publish());
  assert.equal((await tenant.ok('GET', `/webhooks/${webhook.id}`)).consecutive_failures, 1);

  await over(tenant, await tenant.publish());
  const disabled = await eventually(async () => {
    const shown = await tenant.ok('GET', `/webhooks/${webhook.id}`);
    return shown.status === 'disabled' ? shown : undefined;
  });

  assert.equal(disabled.disabled_reason, 'failures');
  assert.equal(disabled.consecutive_failures, 2);
  assert.equal(disabled.last_status, 'failed');
  assert.match(here.server.stderr(), /was disabled because it keeps failing/);
  const audited = await tenant.ok('GET', `/audit-logs?object=${webhook.id}&action=webhook.disabled`);
  assert.equal(audited.data.length, 1);
  assert.equal(audited.data[0].actor.kind, 'system');
  const enabled = await tenant.ok('POST', `/webhooks/${webhook.id}/enable`);
  assert.equal(enabled.consecutive_failures, 0);
  assert.equal(enabled.status, 'active');
});

test('numbers survive a kill and are not counted twice', async () => {
  const place = temporaryDirectory();
  const receiver = await startReceiver();
  const database = `sqlite:${place.directory}/fanfare.db`;
  const env = { FANFARE_ADMIN_KEY: 'an-admin-key-for-two-servers-in-turn' };
  let server = await startServer({ database, env });
  try {
    await apiOk(server, 'POST', '/event-types', { body: { name: 'user.created' } });
    const tenant = await apiOk(server, 'POST', '/tenants', { body: { name: 'T' } });
    await apiOk(server, 'POST', '/webhooks',
      { body: { tenant_id: tenant.id, url: receiver.url('/hook'), events: ['*'] } });
    for (let round = 1; round <= 3; round += 1) {
      for (let i = 0; i < 5; i += 1) {
        await apiOk(server, 'POST', '/events',
          { body: { tenant_id: tenant.id, event_type: 'user.created', data: {} } });
      }
      await eventually(async () => {
        const { json } = await api(server, 'GET', '/stats');
        return json.successful === 5 * round ? json : undefined;
      });
      await server.kill();
      server = await startServer({ database, env });
    }

    const stats = await apiOk(server, 'GET', '/stats');
    assert.equal(stats.total, 15);
    assert.equal(stats.successful, 15);
    const [webhook] = (await apiOk(server, 'GET', `/webhooks?tenant_id=${tenant.id}`)).data;
    assert.equal(webhook.total_deliveries, 15);
  } finally {
    await server.stop();
    await receiver.close();
    place.remove();
  }
});

test('the log of a webhook lists its attempts, and health tells how it is going', async () => {
  const tenant = await here.tenant();
  const path = freshPath();
  here.receiver.on(path, [500, 200]);
  const webhook = await tenant.webhook(path, { retry_policy: { schedule: ['1s'], attempts: 2 } });
  const event = await tenant.publish();
  await deliveryOf(tenant, event, (one) => one.status === 'success');

  const { data } = await tenant.ok('GET', `/webhooks/${webhook.id}/logs`);
  assert.deepEqual(data.map((one) => [one.number, one.status]), [[2, 'success'], [1, 'failed']]);
  assert.equal((await tenant.ok('GET', `/webhooks/${webhook.id}/logs?status=failed`)).data.length, 1);
  const health = (await here.admin('GET', '/health')).json;
  assert.ok(['healthy', 'degraded', 'failing'].includes(health.status));
  assert.ok(health.checks.disk.free_bytes > 0);
  const own = await tenant.ok('GET', '/health');
  assert.equal(own.status, 'healthy');
  assert.equal(own.checks.disk, undefined);
});
