// Tenants, keys, the catalogue of event types, and the admin's own routes.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { api } from '../support/server.mjs';
import { freshPath, world } from './world.mjs';

const here = world();

test('event types are created, listed, changed and deleted', async () => {
  assert.equal((await here.admin('POST', '/event-types', { name: 'a.b', category: 'letters' })).status, 201);
  assert.equal((await here.admin('POST', '/event-types', { name: 'a.b' })).status, 409);
  assert.equal((await here.admin('POST', '/event-types', { name: 'a b' })).status, 422);
  const changed = await here.admin('PATCH', '/event-types/a.b', { description: 'd', sample: { x: 1 } });
  assert.deepEqual([changed.json.category, changed.json.description, changed.json.sample], ['letters', 'd', { x: 1 }]);
  const tenant = await here.tenant();
  for (const where of ['/event-types', '/webhooks/events', '/webhooks/events/available']) {
    const names = (await tenant.ok('GET', where)).data.map((type) => type.name);
    assert.deepEqual(names, [...names].sort());
    assert.ok(names.includes('a.b'));
  }
  assert.equal((await here.admin('DELETE', '/event-types/a.b')).status, 204);
  assert.equal((await tenant.call('GET', '/event-types/a.b')).status, 404);
});

test('a key is shown once and ends when it is revoked', async () => {
  const tenant = await here.tenant();
  const made = await tenant.ok('POST', '/api-keys', { name: 'ci', role: 'publish' });
  assert.match(made.key, /^ff_live_[0-9A-Za-z]{49}$/);
  const listed = await tenant.ok('GET', '/api-keys');
  assert.ok(!JSON.stringify(listed).includes(made.key));
  assert.ok(made.key.startsWith(listed.data.find((key) => key.id === made.id).prefix));
  const publish = () => api(here.server, 'POST', '/events', { key: made.key, body: { type: 'user.created', data: 1 } });
  assert.equal((await publish()).status, 202);
  assert.equal((await tenant.call('DELETE', `/api-keys/${made.id}`)).status, 204);
  assert.equal((await publish()).status, 401);
});

test('a tenant cannot make itself an admin', async () => {
  const tenant = await here.tenant();
  const answer = await tenant.call('POST', '/api-keys', { role: 'admin' });
  assert.equal(answer.status, 422);
  assert.equal(answer.json.errors[0].pointer, '/role');
});

test('an admin key may be made and used like the first', async () => {
  const { key } = (await here.admin('POST', '/api-keys', { role: 'admin', name: 'second' })).json;
  assert.equal((await api(here.server, 'GET', '/tenants', { key })).status, 200);
});

test('tenants are listed for admins, and each may read itself', async () => {
  const tenant = await here.tenant();
  const { data } = (await here.admin('GET', '/tenants?limit=1')).json;
  assert.equal(data[0].id, tenant.id);
  assert.equal((await tenant.ok('GET', `/tenants/${tenant.id}`)).id, tenant.id);
  assert.equal((await tenant.call('GET', '/tenants')).status, 403);
});

test('retry-due is for admins', async () => {
  const tenant = await here.tenant();
  assert.equal((await tenant.call('POST', '/deliveries/retry-due')).status, 403);
  assert.equal((await here.admin('POST', '/deliveries/retry-due')).status, 202);
});

test('webhooks are found by event, status and text', async () => {
  const tenant = await here.tenant();
  const invoices = await tenant.webhook(freshPath(), { events: ['invoice.*'], name: 'Books' });
  const users = await tenant.webhook(freshPath(), { events: ['user.created'] });
  await tenant.ok('POST', `/webhooks/${users.id}/pause`);
  const ids = async (query) => (await tenant.ok('GET', `/webhooks?${query}`)).data.map((webhook) => webhook.id);
  assert.deepEqual(await ids('event=invoice.paid'), [invoices.id]);
  assert.deepEqual(await ids('status=paused'), [users.id]);
  assert.deepEqual(await ids('search=books'), [invoices.id]);
  assert.deepEqual(await ids(''), [users.id, invoices.id]);
});
