// kill -9 at any moment, again and again, under load: no event that was answered 202 is lost, and no more is sent twice than was in
// flight. 40 cycles, 500 with FANFARE_FULL; FANFARE_KILL_CYCLES sets another number. The seed of the moments is printed and can be given
// back as FANFARE_SEED.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'node:test';

import { api, apiOk, eventually, startServer, temporaryDirectory } from '../support/server.mjs';
import { Ledger, startLedgerReceiver } from './ledger.mjs';

const cycles = Number(process.env.FANFARE_KILL_CYCLES ?? (process.env.FANFARE_FULL ? 500 : 40));
const seed = Number(process.env.FANFARE_SEED ?? Math.floor(Math.random() * 2 ** 31));
const endpointCount = 10;
const inFlightMax = 10;
const producers = 16;

function seeded(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function register(server, receiver, endpoints) {
  const tenant = await apiOk(server, 'POST', '/tenants', { body: { name: 'Ledger' } });
  for (let i = 0; i < endpointCount; i += 1) {
    await apiOk(server, 'POST', '/event-types', { body: { name: `kill.event_${i}` } });
  }
  for (const [i, endpoint] of endpoints.entries()) {
    const webhook = await apiOk(server, 'POST', '/webhooks', {
      body: {
        tenant_id: tenant.id, url: receiver.url(endpoint),
        // The last one wants everything, so that each event goes to two.
        events: i === endpointCount ? ['*'] : [`kill.event_${i}`],
        retry_policy: { schedule: ['1s'], attempts: 20 }, max_in_flight: inFlightMax,
      },
    });
    receiver.setSecret(endpoint, webhook.secret);
  }
  return tenant.id;
}

/** Publishes without pause until the server is gone; what got no answer is unknown, and half of it is published again later. */
async function produce(server, load, until) {
  while (!until.over) {
    const again = load.random() < 0.5 ? load.unknown.pop() : undefined;
    const event = again ?? load.next();
    const body = { event_type: event.type, event_id: event.key, data: event.data, tenant_id: load.tenant };
    try {
      const answer = await api(server, 'POST', '/events', { body, timeoutMs: 20_000 });
      const isAcked = answer.status === 202 || (answer.status === 200 && answer.json.duplicate);
      load.ledger.settle(event.key, isAcked ? 'acked' : 'refused');
      if (!isAcked && answer.status !== 503) throw new Error(`publish answered ${answer.status}: ${answer.text}`);
    } catch (error) {
      if (!until.over && error.code === undefined) throw error;
      load.ledger.settle(event.key, 'unknown');
      load.unknown.push(event);
      return;
    }
  }
}

test(`kill -9, ${cycles} cycles under load`, { timeout: 60_000 + cycles * 15_000 }, async (t) => {
  const random = seeded(seed);
  const { directory, remove } = temporaryDirectory();
  const database = `sqlite:${path.join(directory, 'kill.db')}`;
  const env = { FANFARE_ADMIN_KEY: randomBytes(24).toString('hex') };
  const start = () => startServer({ database, env, args: ['--log-level', 'error'] });
  const ledger = new Ledger();
  const receiver = await startLedgerReceiver(ledger);
  const endpoints = Array.from({ length: endpointCount + 1 }, (_, i) => `/hook/${i}`);
  t.after(async () => { await receiver.close(); remove(); });

  let server = await start();
  const tenant = await register(server, receiver, endpoints);
  let count = 0;
  const load = {
    ledger, random, tenant, unknown: [],
    next() {
      count += 1;
      const key = `event-${count}`;
      const topic = count % endpointCount;
      const data = { key, filler: 'x'.repeat(Math.floor(random() * 500)) };
      ledger.intend(key, JSON.stringify(data), [endpoints[topic], endpoints[endpointCount]]);
      return { key, data, type: `kill.event_${topic}` };
    },
  };

  let duplicatedBefore = 0;
  let mostDuplicated = 0;
  for (let cycle = 1; cycle <= cycles; cycle += 1) {
    const until = { over: false };
    const work = Array.from({ length: producers }, () => produce(server, load, until));
    await pause(50 + random() * 1_450);
    until.over = true;
    await server.kill();
    await Promise.all(work);
    // One kill in five hits the next start: migration, recovery, the first refills.
    if (random() < 0.2) {
      const starting = start().catch(() => undefined);
      await pause(random() * 120);
      await (await starting)?.kill();
    }
    server = await start();
    const { duplicated } = ledger.verdict();
    mostDuplicated = Math.max(mostDuplicated, duplicated - duplicatedBefore);
    duplicatedBefore = duplicated;
  }

  await eventually(() => ledger.missing().length === 0, 120_000, 250).catch(() => undefined);
  const open = await eventually(async () => {
    const pending = await apiOk(server, 'GET', `/deliveries?tenant_id=${tenant}&status=pending`);
    const retrying = await apiOk(server, 'GET', `/deliveries?tenant_id=${tenant}&status=retrying`);
    return pending.data.length + retrying.data.length === 0 ? 'none' : undefined;
  }, 120_000, 500).catch(() => 'some');
  const verdict = ledger.verdict();
  const stopped = await server.stop();
  const inFlight = (endpointCount + 1) * inFlightMax;
  t.diagnostic(`seed ${seed}, ${cycles} cycles, ${count} events, ${ledger.requests} requests`);
  t.diagnostic(`lost ${verdict.lost}, duplicated ${verdict.duplicated} (at most ${mostDuplicated} in a cycle, ` +
    `${inFlight} slots), recovered ${verdict.recovered}, acknowledged ${verdict.acked}, unknown ${verdict.unknown}`);

  assert.ok(verdict.acked > cycles, `the load must be real, ${verdict.acked} acknowledged`);
  assert.equal(verdict.lost, 0, `lost: ${ledger.missing().slice(0, 5).join(', ')}`);
  assert.equal(verdict.phantom, 0, 'received but never published');
  assert.equal(verdict.corrupted, 0, 'other bytes than published, or a bad signature');
  assert.equal(verdict.twice, 0, 'one publish was stored twice');
  assert.equal(open, 'none', 'a delivery is neither over nor being tried');
  assert.ok(verdict.duplicated <= cycles * inFlight * 1.25,
    `${verdict.duplicated} duplicates in ${cycles} kills with ${inFlight} slots`);
  assert.equal(stopped.code, 0);
});
