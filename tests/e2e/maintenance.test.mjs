// What an operator does beside serving: migrations and cleanups, with a server and without.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import {
  api, apiOk, eventually, fanfareBinary, startServer, temporaryDirectory,
} from '../support/server.mjs';

function fanfare(args, env = {}) {
  const result = spawnSync(fanfareBinary(), args, {
    encoding: 'utf8', timeout: 60_000, env: { PATH: process.env.PATH, ...env },
  });
  return { code: result.status, out: result.stdout, text: result.stderr };
}

/** SQL on a database that no server has open; answers what it selects. */
function sqlite(file, sql) {
  const program = 'import sqlite3,sys,json\ndb=sqlite3.connect(sys.argv[1])\n'
    + 'print(json.dumps([list(map(str,r)) for r in db.execute(sys.argv[2]).fetchall()]));db.commit()';
  const result = spawnSync('python3', ['-c', program, file, sql], { encoding: 'utf8' });
  assert.equal(result.status, 0, result.stderr);
  return JSON.parse(result.stdout);
}

/** Makes a stopped database's newest event `days` older than it is; its id changes with that. */
function age(file, days) {
  const ms = Date.now() - days * 86_400_000;
  const front = ms.toString(16).padStart(12, '0').toUpperCase();
  const older = (column) => `${column} = unhex_('${front}' || substr(hex(${column}), 13))`;
  const program = 'import sqlite3,sys\ndb=sqlite3.connect(sys.argv[1])\n'
    + 'db.create_function("unhex_",1,bytes.fromhex)\n'
    + 'for sql in sys.argv[2:]: db.execute(sql)\ndb.commit()';
  const result = spawnSync('python3', ['-c', program, file,
    `UPDATE events SET ${older('id')}, created_at = ${ms}`,
    `UPDATE queue SET ${older('delivery')}, ${older('event')}`,
    `UPDATE deliveries SET ${older('delivery')}, ${older('event')}`,
    `UPDATE attempts SET ${older('delivery')}`,
    'DELETE FROM tenant_events', 'DELETE FROM tenant_deliveries', 'DELETE FROM webhook_deliveries',
    'UPDATE index_watermark SET watermark = zeroblob(16)',
  ], { encoding: 'utf8' });
  assert.equal(result.status, 0, result.stderr);
}

/** A stopped database with one event of 40 days ago. */
async function databaseWithAnOldEvent(directory, args = []) {
  const file = path.join(directory, 'fanfare.db');
  const server = await startServer({ database: `sqlite:${file}`, args: ['--catalogue', 'open', ...args] });
  const tenant = await apiOk(server, 'POST', '/tenants', { body: { name: 'Old' } });
  await apiOk(server, 'POST', '/events', { body: { tenant_id: tenant.id, event_type: 'a.b', data: {} } });
  assert.equal((await server.stop()).code, 0);
  age(file, 40);
  return { file, tenant };
}

const eventsIn = (file) => Number(sqlite(file, 'SELECT count(*) FROM events')[0][0]);

test('migrations are shown, planned and applied from nothing, and the schema is one script', async (t) => {
  const { directory, remove } = temporaryDirectory();
  t.after(remove);
  const file = path.join(directory, 'fanfare.db');
  const database = ['--database', `sqlite:${file}`];

  const before = JSON.parse(fanfare(['migrate', 'status', '--json', ...database]).out);
  assert.ok(before.every((one) => one.applied_at === null));
  assert.match(fanfare(['migrate', 'plan', ...database]).out, /CREATE TABLE events/);
  assert.ok(!existsSync(file), 'a look makes nothing');

  const up = fanfare(['migrate', 'up', ...database]);
  assert.equal(up.code, 0, up.text);
  const after = fanfare(['migrate', 'status', ...database]);
  assert.match(after.out, /^0001 {2}\d{4}-\d\d-\d\dT.*initial$/m);
  assert.doesNotMatch(after.out, /pending/);
  assert.equal(fanfare(['migrate', 'plan', ...database]).out, '');
  assert.match(fanfare(['migrate', 'schema']).out, /CREATE TABLE deliveries/);

  const server = await startServer({ database: `sqlite:${file}` });
  t.after(() => server.kill());
  assert.equal(fanfare(['migrate', 'status', ...database]).code, 0, 'while a server runs');
  const refused = fanfare(['migrate', 'up', ...database]);
  assert.equal(refused.code, 1);
  assert.match(refused.text, new RegExp(`process ${server.pid}`));
  assert.equal((await server.stop()).code, 0);
  assert.ok(!readdirSync(directory).some((name) => name.includes('trial')));
});

test('migrate goes down no further than the first, and says what it does not understand', async (t) => {
  const { directory, remove } = temporaryDirectory();
  t.after(remove);
  const database = ['--database', `sqlite:${path.join(directory, 'fanfare.db')}`];
  assert.equal(fanfare(['migrate', 'up', ...database]).code, 0);
  const steps = JSON.parse(fanfare(['migrate', 'status', '--json', ...database]).out).length;
  for (let step = steps; step > 1; step -= 1) {
    const down = fanfare(['migrate', 'down', ...database]);
    assert.equal(down.code, 0, down.text);
  }

  const last = fanfare(['migrate', 'down', ...database]);
  assert.equal(last.code, 1);
  assert.match(last.text, /no way back from migration 1/);
  assert.equal(fanfare(['migrate', ...database]).code, 2);
  assert.equal(fanfare(['migrate', 'sideways', ...database]).code, 2);
  assert.equal(fanfare(['migrate', 'down', '--force', ...database]).code, 2);
  assert.equal(fanfare(['migrate', 'status', '--database', 'memory:']).code, 2);
  assert.equal(fanfare(['migrate', 'up', ...database]).code, 0, 'and up again');
});

test('a cleanup without a server works on the file, and a dry run only counts', async (t) => {
  const { directory, remove } = temporaryDirectory();
  t.after(remove);
  const { file } = await databaseWithAnOldEvent(directory);
  const args = ['--database', `sqlite:${file}`, '--listen', '127.0.0.1:0'];

  const counted = fanfare(['cleanup', '--dry-run', '--json', ...args]);
  assert.equal(counted.code, 0, counted.text);
  assert.equal(JSON.parse(counted.out).would_remove.events, 1);
  assert.equal(eventsIn(file), 1);

  const done = fanfare(['cleanup', ...args]);
  assert.equal(done.code, 0, done.text);
  assert.match(done.out, / 1 {2}events with their payloads/);
  assert.equal(eventsIn(file), 0);
  assert.match(sqlite(file, "SELECT CAST(value AS TEXT) FROM settings WHERE key = 'last_cleanup'")[0][0],
    /"events":1/);
});

test('a cleanup without a server asks what the server asks: retries must end while events are kept', async (t) => {
  const { directory, remove } = temporaryDirectory();
  t.after(remove);
  const file = path.join(directory, 'fanfare.db');
  const server = await startServer({ database: `sqlite:${file}`, args: ['--catalogue', 'open'] });
  const tenant = await apiOk(server, 'POST', '/tenants', { body: { name: 'Long' } });
  await apiOk(server, 'POST', '/webhooks', {
    body: { tenant_id: tenant.id, url: 'https://example.com/h', events: ['*'] } });
  await apiOk(server, 'POST', '/events', { body: { tenant_id: tenant.id, event_type: 'a.b', data: {} } });
  assert.equal((await server.stop()).code, 0);
  age(file, 2);
  const args = ['cleanup', '--database', `sqlite:${file}`, '--listen', '127.0.0.1:0', '--retention-events', '1h'];

  for (const more of [[], ['--dry-run']]) {
    const refused = fanfare([...args, ...more]);
    assert.equal(refused.code, 2, refused.text);
    assert.match(refused.text, /wh_\w+ of tenant .* its retries may take/);
  }
  assert.equal(eventsIn(file), 1);
});

test('a retention of its own is refused where a running server\'s counts', async (t) => {
  const server = await startServer();
  t.after(() => server.kill());

  const refused = fanfare(['cleanup', '--url', server.url, '--retention-events', '40d'], { FANFARE_API_KEY: server.adminKey });

  assert.equal(refused.code, 2);
  assert.match(refused.text, /--retention-events changes nothing here/);
});

test('a cleanup asks the running server, which names what it would do and does it', async (t) => {
  const { directory, remove } = temporaryDirectory();
  t.after(remove);
  const { file, tenant } = await databaseWithAnOldEvent(directory);
  const server = await startServer({ database: `sqlite:${file}`, args: ['--cleanup-interval', '7d'] });
  t.after(() => server.kill());
  const env = { FANFARE_API_KEY: server.adminKey, http_proxy: 'http://127.0.0.1:1' };
  const args = ['cleanup', '--json', '--url', server.url];
  const listed = async () => (await apiOk(server, 'GET', `/events?tenant_id=${tenant.id}`)).data.length;

  assert.equal(JSON.parse(fanfare([...args, '--dry-run'], env).out).would_remove.events, 1);
  assert.equal(await listed(), 1);
  const done = fanfare(args, env);
  assert.equal(done.code, 0, done.text);
  assert.equal(JSON.parse(done.out).removed.events, 1);
  assert.equal(await listed(), 0);

  const stranger = fanfare(args, { FANFARE_API_KEY: 'x'.repeat(40) });
  assert.equal(stranger.code, 1);
  assert.match(stranger.text, /401/);
  const locked = fanfare(['cleanup', '--database', `sqlite:${file}`, '--listen', '127.0.0.1:0']);
  assert.equal(locked.code, 1);
  assert.match(locked.text, new RegExp(`process ${server.pid}.*--url`));
});

test('the server cleans up by itself', async (t) => {
  const { directory, remove } = temporaryDirectory();
  t.after(remove);
  const { file, tenant } = await databaseWithAnOldEvent(directory);
  const server = await startServer({ database: `sqlite:${file}`, args: ['--cleanup-interval', '1s'] });
  t.after(() => server.kill());

  await eventually(async () => {
    const { data } = await apiOk(server, 'GET', `/events?tenant_id=${tenant.id}`);
    return data.length === 0;
  }, 20_000);

  await eventually(() => /removed what is kept no longer/.test(server.stderr()));
});

test('a server that is not there is named, with what to do', () => {
  const result = fanfare(['cleanup', '--url', 'http://127.0.0.1:1'], { FANFARE_API_KEY: 'k'.repeat(40) });

  assert.equal(result.code, 1);
  assert.match(result.text, /no server answers at http:\/\/127\.0\.0\.1:1.*fanfare serve/);
});

test('retention that cannot be is refused: between options, and for a webhook', async (t) => {
  const { directory, remove } = temporaryDirectory();
  t.after(remove);
  const file = path.join(directory, 'fanfare.db');
  const contradicting = fanfare(['serve', '--retention-deliveries', '1d', '--database', `sqlite:${file}`]);
  assert.equal(contradicting.code, 2);
  assert.match(contradicting.text, /--retention-deliveries: .*retention-events/);

  const server = await startServer({ database: `sqlite:${file}` });
  t.after(() => server.kill());
  const tenant = await apiOk(server, 'POST', '/tenants', { body: { name: 'Slow' } });
  const body = { tenant_id: tenant.id, url: 'http://127.0.0.1:9/', events: ['*'] };
  const webhook = await apiOk(server, 'POST', '/webhooks', { body });
  assert.equal((await server.stop()).code, 0);

  const short = ['--retention-events', '1h', '--database', `sqlite:${file}`, '--listen', '127.0.0.1:0'];
  const refused = fanfare(['serve', ...short]);
  assert.equal(refused.code, 1);
  assert.match(refused.text, new RegExp(`${webhook.id}.*retention-events`));

  const fresh = await startServer({ args: ['--retention-events', '1h'] });
  t.after(() => fresh.kill());
  const other = await apiOk(fresh, 'POST', '/tenants', { body: { name: 'Slow' } });
  const answer = await api(fresh, 'POST', '/webhooks', { body: { ...body, tenant_id: other.id } });
  assert.equal(answer.status, 422);
  assert.equal(answer.json.errors[0].code, 'longer_than_retention');
  await apiOk(fresh, 'POST', '/webhooks', {
    body: { ...body, tenant_id: other.id, retry_policy: { schedule: ['1m'], attempts: 5 } },
  });
  await fresh.stop();
});
