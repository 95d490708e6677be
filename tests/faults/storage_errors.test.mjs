// A store that cannot write: 503 with a problem and never a 202, reads go on, and it recovers without a restart. Once with a limit on
// file sizes (works for anybody), once with a full disk on a small tmpfs of our own (needs the right to mount).
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { api, apiOk, eventually, startReceiver, startServer, temporaryDirectory } from '../support/server.mjs';

const filler = 'x'.repeat(100_000);

async function setUp(server, receiver) {
  const tenant = await apiOk(server, 'POST', '/tenants', { body: { name: 'Full' } });
  await apiOk(server, 'POST', '/event-types', { body: { name: 'disk.filled' } });
  await apiOk(server, 'POST', '/webhooks', {
    body: { tenant_id: tenant.id, url: receiver.url('/hook'), events: ['*'], max_in_flight: 50 },
  });
  return tenant.id;
}

const publish = (server, tenant, n) => api(server, 'POST', '/events', {
  body: { tenant_id: tenant, event_type: 'disk.filled', event_id: `event-${n}`, data: { n, filler } },
});

/** Publishes until the store refuses; the numbers of what was acknowledged. */
async function fill(server, tenant, limit) {
  const acked = [];
  for (let n = 0; n < limit; n += 1) {
    const answer = await publish(server, tenant, n);
    if (answer.status === 202) {
      acked.push(n);
      continue;
    }
    assert.equal(answer.status, 503, answer.text);
    assert.match(answer.headers['content-type'], /application\/problem\+json/);
    assert.ok(Number(answer.headers['retry-after']) > 0, 'a 503 says when to come back');
    return acked;
  }
  assert.fail(`the store took ${limit} events and never filled up`);
}

async function fillAndRecover(t, server, receiver, makeSpace) {
  const tenant = await setUp(server, receiver);

  const acked = await fill(server, tenant, 2_000);
  assert.ok(acked.length > 0, 'something fits before it is full');
  assert.equal((await api(server, 'GET', '/livez', { base: '', key: null })).status, 200);
  assert.equal((await api(server, 'GET', `/events?tenant_id=${tenant}`)).status, 200, 'reads go on');

  makeSpace();
  const later = await eventually(async () => {
    const answer = await publish(server, tenant, 1_000_000);
    return answer.status === 202 || answer.status === 200 ? answer : undefined;
  }, 10_000);
  assert.ok(later);
  const distinct = () => new Set(receiver.requests('/hook').map((request) => request.headers['webhook-id']));
  await eventually(() => distinct().size >= acked.length + 1, 30_000);
  t.diagnostic(`${acked.length} acknowledged before it was full, ${distinct().size} delivered after, lost 0`);
  assert.equal((await server.stop()).code, 0);
}

test('a limit on file sizes, then lifted', async (t) => {
  const receiver = await startReceiver();
  const server = await startServer({ args: ['--log-level', 'error'] });
  t.after(async () => { await server.kill(); await receiver.close(); });
  execFileSync('prlimit', ['--pid', String(server.pid), '--fsize=16000000:unlimited']);

  await fillAndRecover(t, server, receiver,
    () => execFileSync('prlimit', ['--pid', String(server.pid), '--fsize=unlimited:unlimited']));
});

test('a full disk, then space', async (t) => {
  const { directory, remove } = temporaryDirectory();
  const disk = path.join(directory, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk]);
  if (mounted.status !== 0) {
    remove();
    t.skip('NOT RUN: this user may not mount a tmpfs; run as root to test a full disk');
    return;
  }
  const receiver = await startReceiver();
  const server = await startServer({ database: `sqlite:${disk}/full.db`, args: ['--log-level', 'error'] });
  t.after(async () => {
    await server.kill();
    await receiver.close();
    execFileSync('umount', [disk]);
    remove();
  });

  await fillAndRecover(t, server, receiver, () => execFileSync('mount', ['-o', 'remount,size=400m', disk]));
});
