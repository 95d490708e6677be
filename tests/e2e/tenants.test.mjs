// Tenants change, end for good, and are made by being named.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { api, apiOk, eventually, startReceiver, startServer, temporaryDirectory } from '../support/server.mjs';
import { deliveryOf, freshPath, world } from './world.mjs';

const here = world({ args: ['--auto-create-tenants'] });

test('a tenant is changed by an admin and read by itself', async () => {
  const tenant = await here.tenant();
  const where = `/tenants/${tenant.id}`;
  const changed = await here.admin('PATCH', where, { external_id: 'shop:1', metadata: { plan: 'gold' } });
  assert.equal(changed.status, 200);
  assert.deepEqual(await tenant.ok('GET', where), changed.json);
  assert.equal((await tenant.call('PATCH', where, { name: 'x' })).status, 403);
  assert.equal((await here.admin('PUT', '/tenants/shop:1', changed.json)).status, 200);
});

test('a deleted tenant is gone with the answer, and its name is free', async () => {
  const tenant = await here.tenant();
  const neighbour = await here.tenant();
  await here.admin('PATCH', `/tenants/${tenant.id}`, { external_id: 'leaving' });
  await tenant.webhook(freshPath());
  const event = await tenant.publish();
  const { id } = await deliveryOf(tenant, event);
  await neighbour.webhook(freshPath());
  const kept = await neighbour.publish();

  assert.equal((await here.admin('DELETE', '/tenants/leaving')).status, 204);

  assert.equal((await tenant.call('GET', '/webhooks')).status, 401);
  for (const where of [`/events/${event.id}`, `/deliveries/${id}`, `/tenants/${tenant.id}`,
    `/webhooks?tenant_id=${tenant.id}`, '/events?tenant_id=leaving']) {
    assert.equal((await here.admin('GET', where)).status, 404, where);
  }
  assert.equal((await here.admin('POST', '/tenants', { name: 'Next', external_id: 'leaving' })).status, 201);
  await deliveryOf(neighbour, kept, (delivery) => delivery.status === 'success');
});

test('a webhook is deleted with its history if asked', async () => {
  const tenant = await here.tenant();
  const webhook = await tenant.webhook(freshPath());
  const event = await tenant.publish();
  await deliveryOf(tenant, event, (delivery) => delivery.status === 'success');
  assert.equal((await tenant.call('DELETE', `/webhooks/${webhook.id}?purge=true`)).status, 204);
  await eventually(async () => (await tenant.ok('GET', '/deliveries')).data.length === 0);
  assert.equal((await tenant.ok('GET', `/events/${event.id}`)).id, event.id);
});

test('an unknown external id that an admin names makes its tenant', async () => {
  const made = await here.admin('POST', '/webhooks', {
    client_id: 'user-7f', url: here.receiver.url(freshPath()), events: ['*'],
  });
  assert.equal(made.status, 201);
  const event = { event_type: 'user.created', data: {}, client_id: 'user-7f' };
  const all = await Promise.all(Array.from({ length: 8 }, (_, i) =>
    here.admin('POST', '/events', { ...event, client_id: i < 4 ? 'user-7f' : 'user-8a' })));
  assert.deepEqual(all.map((answer) => [answer.status, answer.json.deliveries]),
    all.map((_, i) => [202, i < 4 ? 1 : 0]));
  const { data } = (await here.admin('GET', '/tenants?limit=250')).json;
  assert.equal(data.filter((tenant) => tenant.external_id === 'user-8a').length, 1);
  assert.equal((await here.admin('GET', '/webhooks?tenant_id=user-9')).status, 404);
});

test('a deleted tenant stays deleted when the server is killed at once', async () => {
  const directory = temporaryDirectory();
  const receiver = await startReceiver();
  const database = `sqlite:${directory.directory}/fanfare.db`;
  let server = await startServer({ database });
  const start = async () => { server = await startServer({ database, env: { FANFARE_ADMIN_KEY: server.adminKey } }); };
  try {
    await apiOk(server, 'POST', '/event-types', { body: { name: 'user.created' } });
    const tenant = await apiOk(server, 'POST', '/tenants', { body: { name: 'T', external_id: 'ext' } });
    const body = { tenant_id: tenant.id };
    const { key } = await apiOk(server, 'POST', '/api-keys', { body });
    const url = receiver.url('/killed');
    await apiOk(server, 'POST', '/webhooks', { body: { ...body, url, events: ['*'] } });
    const events = Array.from({ length: 1000 }, () => ({ event_type: 'user.created', data: {} }));
    await apiOk(server, 'POST', '/events/batch', { body: { ...body, events } });
    await apiOk(server, 'DELETE', `/tenants/${tenant.id}`);
    await server.kill();
    const seen = receiver.requests('/killed').length;

    for (let round = 0; round < 3; round += 1) {
      await start();
      assert.equal((await api(server, 'GET', '/webhooks', { key })).status, 401);
      assert.equal((await api(server, 'GET', `/events?tenant_id=${tenant.id}`)).status, 404);
      await server.kill();
    }
    await start();
    const again = await apiOk(server, 'POST', '/tenants', { body: { name: 'T', external_id: 'ext' } });
    assert.deepEqual((await apiOk(server, 'GET', `/events?tenant_id=${again.id}`)).data, []);
    // What was under way when the server died may still have come in.
    const later = receiver.requests('/killed').length - seen;
    assert.ok(later <= 10, `${later} were sent for it after its end`);
  } finally {
    await server.kill();
    await receiver.close();
    directory.remove();
  }
});
