// An event for everybody: each tenant gets its own, once, whatever happens to the server in the middle.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { api, apiOk, eventually, startReceiver, startServer, temporaryDirectory } from '../support/server.mjs';
import { freshPath, world } from './world.mjs';

const here = world({ args: ['--broadcast'] });

test('an admin event without a tenant reaches each tenant as its own event', async () => {
  const first = await here.tenant();
  const second = await here.tenant();
  const bystander = await here.tenant();
  await first.webhook(freshPath());
  await second.webhook(freshPath());
  await bystander.webhook(freshPath(), { events: ['invoice.paid'] });

  const body = { event_type: 'user.deleted', data: { all: true }, event_id: 'maintenance-1' };
  const accepted = await here.admin('POST', '/events', body);
  assert.equal(accepted.status, 202);
  assert.equal(accepted.json.broadcast, true);
  const where = `/broadcasts/${accepted.json.id}`;
  const done = await eventually(async () => {
    const { json } = await here.admin('GET', where);
    return json.status === 'done' ? json : undefined;
  });

  assert.deepEqual([done.tenants, done.deliveries], [2, 2]);
  for (const tenant of [first, second]) {
    const { data } = await tenant.ok('GET', '/events');
    assert.deepEqual(data.map((event) => [event.tenant_id, event.event_id]), [[tenant.id, body.event_id]]);
  }
  assert.deepEqual((await bystander.ok('GET', '/events')).data, []);
  assert.equal((await first.call('GET', where)).status, 403);
  const alone = await here.admin('POST', '/events', { ...body, tenant_id: first.id });
  assert.deepEqual([alone.status, alone.json.duplicate], [200, true], 'the same event to one of them is not sent again');
  const again = await here.admin('POST', '/events', body);
  assert.deepEqual([again.status, again.json.duplicate, again.json.tenants], [200, true, 2]);
});

test('kill -9 in the middle repeats no event and loses none', async () => {
  const count = 300;
  const directory = temporaryDirectory();
  const receiver = await startReceiver();
  const database = `sqlite:${directory.directory}/fanfare.db`;
  let server = await startServer({ database, args: ['--broadcast'] });
  const restart = async () => {
    await server.kill();
    server = await startServer({ database, args: ['--broadcast'], env: { FANFARE_ADMIN_KEY: server.adminKey } });
  };
  try {
    await apiOk(server, 'POST', '/event-types', { body: { name: 'user.created' } });
    const tenants = await Promise.all(Array.from({ length: count }, async (_, i) => {
      const { id } = await apiOk(server, 'POST', '/tenants', { body: { name: `T${i}` } });
      const url = receiver.url(`/everybody/${i}`);
      await apiOk(server, 'POST', '/webhooks', { body: { tenant_id: id, url, events: ['*'] } });
      return id;
    }));

    const { id } = await apiOk(server, 'POST', '/events', { body: { event_type: 'user.created', data: { n: 1 } } });
    for (let round = 0; round < 3; round += 1) await restart();

    const done = await eventually(async () => {
      const found = await apiOk(server, 'GET', `/broadcasts/${id}`);
      return found.status === 'done' ? found : undefined;
    });
    assert.equal(done.tenants, count);
    for (const tenant of tenants) {
      const { json } = await api(server, 'GET', `/events?tenant_id=${tenant}`);
      assert.equal(json.data.length, 1);
    }
    for (let i = 0; i < count; i += 1) {
      const requests = await receiver.waitFor(`/everybody/${i}`, 1, 60_000);
      assert.equal(new Set(requests.map((request) => request.headers['webhook-id'])).size, 1);
    }
  } finally {
    await server.kill();
    await receiver.close();
    directory.remove();
  }
});
