// SIGTERM: stop accepting, finish what is under way, store every outcome, exit 0. Nothing is lost and nothing is sent twice.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import test from 'node:test';

import { api, apiOk, eventually, startReceiver, startServer, temporaryDirectory } from '../support/server.mjs';

const cycles = Number(process.env.FANFARE_STOP_CYCLES ?? 10);

test('SIGTERM finishes the attempts in flight and exits 0', async (t) => {
  const { directory, remove } = temporaryDirectory();
  const database = `sqlite:${path.join(directory, 'stop.db')}`;
  const env = { FANFARE_ADMIN_KEY: randomBytes(24).toString('hex') };
  const receiver = await startReceiver();
  t.after(async () => { await receiver.close(); remove(); });
  let server = await startServer({ database, env });
  const tenant = (await apiOk(server, 'POST', '/tenants', { body: { name: 'Stop' } })).id;
  await apiOk(server, 'POST', '/event-types', { body: { name: 'stop.now' } });
  receiver.on('/hook', () => ({ status: 200, delayMs: 100 }));
  await apiOk(server, 'POST', '/webhooks', { body: { tenant_id: tenant, url: receiver.url('/hook'), events: ['*'] } });
  const acked = new Set();

  for (let cycle = 0; cycle < cycles; cycle += 1) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => api(server, 'POST', '/events', {
      body: { tenant_id: tenant, event_type: 'stop.now', data: { cycle } },
    })));
    for (const answer of answers) {
      assert.equal(answer.status, 202, answer.text);
      acked.add(answer.json.id);
    }
    await receiver.waitFor('/hook', 1);
    const { code } = await server.stop('SIGTERM');
    assert.equal(code, 0);
    server = await startServer({ database, env });
  }

  await eventually(() => receiver.requests('/hook').length >= acked.size, 60_000);
  await eventually(async () => {
    const open = await apiOk(server, 'GET', `/deliveries?tenant_id=${tenant}&status=pending`);
    return open.data.length === 0;
  }, 30_000);
  const ids = receiver.requests('/hook').map((request) => request.headers['webhook-id']);
  t.diagnostic(`${cycles} stops, ${acked.size} events, ${ids.length} requests, ${ids.length - new Set(ids).size} twice`);
  assert.equal(new Set(ids).size, acked.size, 'every event once');
  assert.equal(ids.length, acked.size, 'none twice');
  await server.stop();
});

test('what is cut off at the drain deadline is sent after the next start', async (t) => {
  const { directory, remove } = temporaryDirectory();
  const database = `sqlite:${path.join(directory, 'cut.db')}`;
  const env = { FANFARE_ADMIN_KEY: randomBytes(24).toString('hex') };
  const receiver = await startReceiver();
  t.after(async () => { await receiver.close(); remove(); });
  const server = await startServer({ database, env, args: ['--drain-timeout', '300ms'] });
  const tenant = (await apiOk(server, 'POST', '/tenants', { body: { name: 'Cut' } })).id;
  await apiOk(server, 'POST', '/event-types', { body: { name: 'cut.off' } });
  receiver.on('/hook', ['hang', 200]);
  await apiOk(server, 'POST', '/webhooks', { body: { tenant_id: tenant, url: receiver.url('/hook'), events: ['*'] } });
  await apiOk(server, 'POST', '/events', { body: { tenant_id: tenant, event_type: 'cut.off', data: {} } });
  await receiver.waitFor('/hook', 1);

  const { code } = await server.stop('SIGTERM');
  assert.equal(code, 0);
  const second = await startServer({ database, env });
  const requests = await receiver.waitFor('/hook', 2);

  assert.equal(requests[1].headers['webhook-id'], requests[0].headers['webhook-id']);
  const list = await eventually(async () => {
    const page = await apiOk(second, 'GET', `/deliveries?tenant_id=${tenant}`);
    return page.data[0].status === 'success' ? page.data : undefined;
  });
  assert.equal(list[0].attempts, 1, 'the cut-off attempt costs none');
  await second.stop();
});
