// Starting and stopping as a person would: `fanfare dev` and what it prints, a second start, and every reason not to start.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import {
  apiOk, eventually, fanfareBinary, startServer, temporaryDirectory, within,
} from '../support/server.mjs';

/** `fanfare dev` with a database of its own; `text()` is all it has printed. */
function startDev(database, args = [], listen = '127.0.0.1:0') {
  const child = spawn(fanfareBinary(), ['dev', '--listen', listen, '--database', database, ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (chunk) => { printed += chunk; });
  }
  const exited = new Promise((resolve) => { child.once('close', (code) => resolve(code)); });
  return {
    text: () => printed,
    says: (pattern) => eventually(() => pattern.exec(printed), 20_000),
    stop: (signal = 'SIGINT') => { child.kill(signal); return within(exited, 20_000, 'no exit'); },
    kill: () => { child.kill('SIGKILL'); return exited; },
  };
}

const curlLines = (text) => text.split('\n').map((line) => line.trim()).filter((line) => line.startsWith('curl '));

test('fanfare dev shows a working, a flaky and a dead webhook, and its curl lines work when pasted', async (t) => {
  const { directory, remove } = temporaryDirectory();
  const dev = startDev(`sqlite:${path.join(directory, 'dev.db')}`);
  t.after(async () => { await dev.kill(); remove(); });
  await dev.says(/What the inbox receives:/);
  await dev.says(/inbox works +order\.placed +dlv_\w{26} +signature ok +→ 200/);
  assert.match(dev.text(), /API key +ff_test_\w+/);

  const [publish, list] = curlLines(dev.text());
  for (let i = 0; i < 3; i += 1) {
    const pasted = spawnSync('bash', ['-c', publish], { encoding: 'utf8' });
    assert.equal(JSON.parse(pasted.stdout).deliveries, 3, pasted.stderr);
  }
  await dev.says(/inbox flaky +order\.placed +dlv_\w{26} +signature ok +→ 503/);
  const deliveries = await eventually(() => {
    const answer = JSON.parse(spawnSync('bash', ['-c', list], { encoding: 'utf8' }).stdout).data;
    return answer.some((delivery) => delivery.error_kind === 'connect_refused') ? answer : undefined;
  }, 20_000);

  assert.ok(deliveries.some((delivery) => delivery.status === 'success'));
  assert.equal(await dev.stop('SIGINT'), 0);
  assert.match(dev.text(), /Stopped\. Everything is kept in/);
});

test('fanfare dev starts again on what it left behind, deliveries under way included', async (t) => {
  const { directory, remove } = temporaryDirectory();
  const database = `sqlite:${path.join(directory, 'dev.db')}`;
  t.after(remove);
  const first = startDev(database);
  await first.says(/What the inbox receives:/);
  const tenant = /tenant +demo \((tnt_\w+)\)/.exec(first.text())[1];
  await first.kill();

  const second = startDev(database);
  t.after(() => second.kill());
  await second.says(/What the inbox receives:/);
  await second.says(/signature ok +→ 200/);

  assert.equal(/tenant +demo \((tnt_\w+)\)/.exec(second.text())[1], tenant);
  assert.equal(await second.stop('SIGTERM'), 0);
});

function refusedStart(args, env = {}) {
  const result = spawnSync(fanfareBinary(), args, {
    encoding: 'utf8', timeout: 20_000, env: { PATH: process.env.PATH, ...env },
  });
  return { code: result.status, text: result.stderr };
}

test('what cannot start says why', async (t) => {
  const { directory, remove } = temporaryDirectory();
  t.after(remove);
  const database = `sqlite:${path.join(directory, 'fanfare.db')}`;
  const config = path.join(directory, 'fanfare.toml');
  writeFileSync(config, 'listen = "127.0.0.1:0"\nlisten_adress = "x"\n');
  const typed = path.join(directory, 'typed.toml');
  writeFileSync(typed, '[egress]\nhttp = "yes"\n');
  const cases = [
    [['serve', '--database', 'sqlite:/nowhere/at/all.db'], 1, /nowhere/],
    [['serve', '--database', database, '--egress-allow', '127.0.0.0/33'], 2, /--egress-allow.*127\.0\.0\.0\/33/],
    [['serve', '--database', database, '--egress-allow', '127.0.0.1/8'], 2, /--egress-allow.*127\.0\.0\.1\/8/],
    [['serve', '--database', database, '--egress-allow', 'x'], 2, /--egress-allow.*"x"/],
    [['serve', '--database', 'sqlite:?mode=ro'], 2, /--database.*question mark/],
    [['serve', '--database', 'sqlite:'], 2, /--database.*sqlite:PATH/],
    [['serve', '--listen', 'here'], 2, /--listen/],
    [['serve', '--config', config], 2, /fanfare\.toml:2/],
    [['serve', '--config', typed], 2, /typed\.toml:2: egress\.http must be true or false/],
    [['serve', '--no-such-flag'], 2, /no-such-flag/],
    [['serve', '--egress-htp'], 2, /--egress-htp is not an option; did you mean --egress-http\?/],
    [['dev', '--listne=127.0.0.1:0'], 2, /--listne is not an option; did you mean --listen\?/],
    [['serve', 'here'], 2, /here is not expected/],
    [['frobnicate'], 2, /frobnicate|subcommand/],
  ];
  for (const [args, code, pattern] of cases) {
    const refused = refusedStart(args);
    assert.match(refused.text, pattern, args.join(' '));
    assert.equal(refused.code, code, args.join(' '));
  }
  const short = refusedStart(['serve', '--database', database], { FANFARE_ADMIN_KEY: 'too short' });
  assert.match(short.text, /32/);
  assert.doesNotMatch(short.text, /too short/, 'an error never shows a secret');
});

test('one process has the database, and its secrets open only with its key', async (t) => {
  const { directory, remove } = temporaryDirectory();
  const file = path.join(directory, 'fanfare.db');
  const env = { FANFARE_ADMIN_KEY: 'k'.repeat(40) };
  t.after(remove);
  const server = await startServer({ database: `sqlite:${file}`, env });
  await apiOk(server, 'POST', '/tenants', { body: { name: 'Sealed' } });

  const second = refusedStart(['serve', '--listen', '127.0.0.1:0', '--database', `sqlite:${file}`]);
  assert.equal(second.code, 1);
  assert.match(second.text, new RegExp(String(server.pid)), 'it names the process that has it');
  assert.equal((await server.stop()).code, 0);

  assert.equal(statSync(`${file}.key`).mode & 0o777, 0o600);
  renameSync(`${file}.key`, `${file}.key.away`);
  const locked = refusedStart(['serve', '--listen', '127.0.0.1:0', '--database', `sqlite:${file}`]);
  assert.equal(locked.code, 1);
  assert.match(locked.text, /key/);
  const wrong = refusedStart(['serve', '--listen', '127.0.0.1:0', '--database', `sqlite:${file}`],
    { FANFARE_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') });
  assert.equal(wrong.code, 1);

  const key = readFileSync(`${file}.key.away`, 'utf8').trim();
  const again = await startServer({ database: `sqlite:${file}`, env: { ...env, FANFARE_MASTER_KEY: key } });
  assert.equal((await apiOk(again, 'GET', '/tenants')).data.length, 1);
  await again.stop();
});

test('a directory that may not be written is named, and what to do', async (t) => {
  const { directory, remove } = temporaryDirectory();
  const file = path.join(directory, 'fanfare.db');
  t.after(() => { chmodSync(directory, 0o700); remove(); });
  const server = await startServer({ database: `sqlite:${file}` });
  assert.equal((await server.stop()).code, 0);
  // Root may write everywhere: the second start is somebody else's.
  const nobody = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : {};
  if (nobody.uid) for (const name of readdirSync(directory)) chownSync(path.join(directory, name), 65534, 65534);
  chmodSync(directory, 0o555);

  const result = spawnSync(fanfareBinary(), ['serve', '--listen', '127.0.0.1:0', '--database', `sqlite:${file}`],
    { encoding: 'utf8', timeout: 20_000, env: { PATH: process.env.PATH }, ...nobody });

  assert.equal(result.status, 1, result.stderr);
  assert.ok(result.stderr.includes(file), result.stderr);
  assert.match(result.stderr, new RegExp(`write to ${directory}`));
});

test('a port that another server listens on is refused, however many reactors each has', async (t) => {
  const { directory, remove } = temporaryDirectory();
  t.after(remove);
  for (const [index, reactors] of ['1', '3'].entries()) {
    const server = await startServer({ args: ['--reactors', reactors] });
    t.after(() => server.kill());
    const { port } = new URL(server.url);
    const database = `sqlite:${path.join(directory, `${index}.db`)}`;

    const second = refusedStart(['serve', '--listen', `127.0.0.1:${port}`, '--database', database, '--reactors', '2']);
    const everywhere = refusedStart(['serve', '--listen', `0.0.0.0:${port}`, '--database', database]);

    assert.equal(second.code, 1);
    assert.match(second.text, new RegExp(`127\\.0\\.0\\.1 port ${port} is in use by another process`));
    assert.equal(everywhere.code, 1);
    assert.match(everywhere.text, /in use by another process/);
    assert.ok((await apiOk(server, 'GET', '/tenants')).data, 'the first one goes on');
    await server.stop();
  }
});

test('the port is free for the next start at once, connections of the last one or not', async (t) => {
  const { directory, remove } = temporaryDirectory();
  const database = `sqlite:${path.join(directory, 'dev.db')}`;
  const first = startDev(database, ['--reactors', '2']);
  t.after(async () => { await first.kill(); remove(); });
  await first.says(/signature ok +→ 200/);
  const [, port] = await first.says(/listening on http:\/\/127\.0\.0\.1:(\d+)/);
  assert.equal(await first.stop(), 0);

  const second = startDev(database, ['--reactors', '2'], `127.0.0.1:${port}`);
  t.after(() => second.kill());

  await second.says(/What the inbox receives:/);
  assert.equal(await second.stop(), 0);
});

test('a cursor from before a restart goes on after it', async (t) => {
  const { directory, remove } = temporaryDirectory();
  t.after(remove);
  const database = `sqlite:${path.join(directory, 'fanfare.db')}`;
  const env = { FANFARE_ADMIN_KEY: 'k'.repeat(40) };
  const first = await startServer({ database, env });
  t.after(() => first.kill());
  for (const name of ['One', 'Two', 'Three']) await apiOk(first, 'POST', '/tenants', { body: { name } });
  const page = await apiOk(first, 'GET', '/tenants?limit=1');
  assert.equal(page.has_more, true);
  await first.stop();

  const second = await startServer({ database, env });
  t.after(() => second.kill());
  const next = await apiOk(second, 'GET', `/tenants?limit=1&cursor=${encodeURIComponent(page.next_cursor)}`);

  assert.deepEqual([page.data[0].name, next.data[0].name], ['Three', 'Two']);
  await second.stop();
});

test('a server that nobody can log in to says so, and only such a one', async (t) => {
  const without = await startServer({ env: { FANFARE_ADMIN_KEY: '' } });
  t.after(() => without.kill());
  const withKey = await startServer();
  t.after(() => withKey.kill());
  await without.stop();
  await withKey.stop();

  assert.match(without.stderr(), /nobody can log in.*FANFARE_ADMIN_KEY/);
  assert.doesNotMatch(withKey.stderr(), /nobody can log in/);
});

test('a body over the limit is answered 413, whatever is still on its way', async (t) => {
  const server = await startServer();
  t.after(() => server.kill());
  for (const bytes of [1_500_000, 5_500_000]) {
    const response = await fetch(`${server.url}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.adminKey}`, 'content-type': 'application/json' },
      body: `{"event_type":"a.b","data":"${'x'.repeat(bytes)}"}`,
    });
    assert.equal(response.status, 413);
    assert.equal((await response.json()).status, 413);
  }
  await server.stop();
});

test('secrets are not in the database, and keys only as hashes', async (t) => {
  const { directory, remove } = temporaryDirectory();
  const file = path.join(directory, 'fanfare.db');
  t.after(remove);
  const server = await startServer({ database: `sqlite:${file}` });
  const tenant = await apiOk(server, 'POST', '/tenants', { body: { name: 'Canary' } });
  await apiOk(server, 'POST', '/event-types', { body: { name: 'canary.sang' } });
  const webhook = await apiOk(server, 'POST', '/webhooks', {
    headers: { 'idempotency-key': 'canary' },
    body: {
      tenant_id: tenant.id, url: 'http://127.0.0.1:1/', events: ['canary.sang'],
      headers: { Authorization: 'Bearer canary-in-the-header' },
    },
  });
  const key = await apiOk(server, 'POST', '/api-keys', { body: { tenant_id: tenant.id, role: 'tenant', name: 'k' } });
  const secrets = [webhook.secret, key.key ?? key.secret ?? key.token, 'canary-in-the-header', server.adminKey];
  const output = () => server.stdout() + server.stderr();
  await server.stop();

  for (const secret of secrets) {
    assert.ok(secret?.length > 10);
    const raw = secret.replace(/^whsec_/, '');
    for (const suffix of ['', '-wal']) {
      let bytes = Buffer.alloc(0);
      try { bytes = readFileSync(file + suffix); } catch { /* no log is left after a clean stop */ }
      assert.equal(bytes.includes(raw), false, `a secret stands in ${file}${suffix}`);
      if (secret.startsWith('whsec_')) assert.equal(bytes.includes(Buffer.from(raw, 'base64')), false);
    }
    assert.equal(output().includes(raw), false, 'a secret was printed');
  }
});
