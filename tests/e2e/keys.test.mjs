// The keys that seal secrets, replaced by `fanfare keys` while the server runs, and what a kill in
// the middle leaves: everything readable. That it is readable shows in deliveries, which are signed
// with the webhooks' own secrets.
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import {
  api, apiOk, eventually, fanfareBinary, startReceiver, startServer, temporaryDirectory,
} from '../support/server.mjs';

const files = temporaryDirectory();
let receiver;
before(async () => { receiver = await startReceiver(); });
after(async () => {
  await receiver.close();
  files.remove();
});

const newKey = () => crypto.randomBytes(32).toString('base64');
const databaseIn = (name) => {
  mkdirSync(path.join(files.directory, name));
  return path.join(files.directory, name, 'fanfare.db');
};
const start = (database, env = {}) =>
  startServer({ database: `sqlite:${database}`, args: ['--catalogue', 'open'], env });

/** Runs `fanfare keys …` against the server; never throws for its exit code. */
function keys(server, words, { env = {} } = {}) {
  const args = ['keys', ...words, '--url', server.url, '--database', server.database];
  return new Promise((resolve) => {
    execFile(fanfareBinary(), args, {
      env: { PATH: process.env.PATH, FANFARE_ADMIN_KEY: server.adminKey, ...env },
    }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
  });
}

let paths = 0;
/** Tenants with a webhook each; `check` delivers to every one and verifies the signatures. */
async function party(server, count) {
  const webhooks = [];
  for (let i = 0; i < count; i += 1) {
    const where = `/keys-${paths += 1}`;
    const tenant = await apiOk(server, 'POST', '/tenants', { body: { name: `T${i}` } });
    const body = {
      tenant_id: tenant.id, url: receiver.url(where), events: ['*'], headers: { 'X-Token': where },
    };
    const headers = { 'Idempotency-Key': where };
    const made = await apiOk(server, 'POST', '/webhooks', { body, headers });
    webhooks.push({ where, tenant: tenant.id, id: made.id, secret: made.secret, body, headers });
  }
  return {
    webhooks,
    async check(now) {
      for (const { where, tenant, secret } of webhooks) {
        const before = receiver.requests(where).length;
        await apiOk(now, 'POST', '/events', { body: { tenant_id: tenant, event_type: 'a', data: {} } });
        const request = (await receiver.waitFor(where, before + 1)).at(-1);
        const id = request.headers['webhook-id'];
        const signed = `${id}.${request.headers['webhook-timestamp']}.${request.text}`;
        const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
        const expected = crypto.createHmac('sha256', key).update(signed).digest('base64');
        assert.equal(request.headers['webhook-signature'], `v1,${expected}`);
        assert.equal(request.headers['x-token'], where);
      }
    },
  };
}

test('a master key is replaced, and the old one removed, while the server runs', async () => {
  const database = databaseIn('master');
  const file = `${database}.key`;
  let server = await start(database);
  try {
    const { check } = await party(server, 3);
    const old = readFileSync(file, 'utf8');

    const rotated = await keys(server, ['rotate-master']);
    assert.equal(rotated.code, 0, rotated.stderr);
    assert.match(rotated.stdout, /3 data keys {2}newest/);
    const both = readFileSync(file, 'utf8');
    assert.equal(both.trim().split('\n').length, 2);
    assert.ok(both.endsWith(old));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    await check(server);

    const pruned = await keys(server, ['prune']);
    assert.equal(pruned.code, 0, pruned.stderr);
    assert.equal(readFileSync(file, 'utf8'), `${both.split('\n')[0]}\n`);
    await check(server);

    await server.kill();
    server = await start(database);
    await check(server);
    const report = JSON.parse((await keys(server, ['status', '--json'])).stdout);
    assert.equal(report.master_keys.length, 1);
    assert.equal(report.master_keys[0].data_keys, 3);

    await server.stop();
    writeFileSync(file, old);
    await assert.rejects(start(database), /another master key/);
  } finally {
    await server.kill();
  }
});

test('data keys are replaced, whenever the server is killed meanwhile', async () => {
  const database = databaseIn('tenant');
  let server = await start(database);
  try {
    const { webhooks, check } = await party(server, 20);
    for (let round = 0; round < 4; round += 1) {
      const asked = api(server, 'POST', '/maintenance/keys/rotate-tenant', { body: { all: true } })
        .catch(() => undefined);
      if (round > 0) await new Promise((resolve) => { setTimeout(resolve, round * 3); });
      else await asked;
      await server.kill();
      server = await start(database);
    }
    const done = await keys(server, ['rotate-tenant', '--all', '--json']);
    assert.equal(done.code, 0, done.stderr);
    const report = JSON.parse(done.stdout);
    assert.equal(report.tenants_with_older_keys, 0);
    assert.equal(report.data_keys, 20);
    await check(server);
    await server.kill();
    server = await start(database);
    await check(server);
    // Kept answers that hold a secret are sealed with the data key too.
    for (const { body, headers, secret } of webhooks) {
      const again = await apiOk(server, 'POST', '/webhooks', { body, headers });
      assert.equal(again.secret, secret);
    }
  } finally {
    await server.kill();
  }
});

test('one tenant is named by id or external_id, and wrong words are refused', async () => {
  const server = await start(databaseIn('one'));
  try {
    await apiOk(server, 'POST', '/tenants', { body: { name: 'One', external_id: 'org-1' } });
    assert.equal((await keys(server, ['rotate-tenant', 'org-1'])).code, 0);
    const unknown = await keys(server, ['rotate-tenant', 'org-2']);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /no tenant/);
    assert.equal((await keys(server, ['rotate-tenant'])).code, 2);
    assert.equal((await keys(server, ['rotate-tenant', 'org-1', '--all'])).code, 2);
    assert.equal((await keys(server, [])).code, 2);
    assert.equal((await keys(server, ['rotate'])).code, 2);
    for (const body of [{}, { all: true, tenant_id: 'org-1' }, { all: 'yes' }, { tenant: 'x' }]) {
      const answer = await api(server, 'POST', '/maintenance/keys/rotate-tenant', { body });
      assert.equal(answer.status, 422, JSON.stringify(body));
    }
  } finally {
    await server.stop();
  }
});

test('prune keeps a key that the server does not know as its newest', async () => {
  const database = databaseIn('prune');
  const server = await start(database);
  try {
    const file = `${database}.key`;
    const two = `${newKey()}\n${readFileSync(file, 'utf8')}`;
    writeFileSync(file, two);
    const pruned = await keys(server, ['prune']);
    assert.equal(pruned.code, 1);
    assert.equal(readFileSync(file, 'utf8'), two);
    // An earlier run wrote the new key and ended there: this one goes on with it.
    assert.equal((await keys(server, ['rotate-master'])).code, 0);
    assert.equal(readFileSync(file, 'utf8'), two);
    // A file without a key that is needed is not taken.
    writeFileSync(file, `${newKey()}\n`);
    const refused = await api(server, 'POST', '/maintenance/keys/rotate-master');
    assert.equal(refused.status, 409);
    writeFileSync(file, two);
  } finally {
    await server.stop();
  }
});

test('keys in the environment are replaced by a restart with two of them', async () => {
  const database = databaseIn('environment');
  const [old, next] = [newKey(), newKey()];
  let server = await start(database, { FANFARE_MASTER_KEY: old });
  try {
    const { check } = await party(server, 2);
    const refused = await keys(server, ['rotate-master'], { env: { FANFARE_MASTER_KEY: old } });
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /environment/);
    await server.kill();
    server = await start(database, { FANFARE_MASTER_KEY: `${next},${old}` });
    await eventually(async () => {
      const report = await apiOk(server, 'GET', '/maintenance/keys');
      return !report.master_keys[1].is_in_use && !report.master_keys_are_in_a_file;
    });
    await server.kill();
    server = await start(database, { FANFARE_MASTER_KEY: next });
    await check(server);
  } finally {
    await server.kill();
  }
});

test('a systemd credential is the master key where nothing else is', async () => {
  const database = databaseIn('credential');
  const folder = path.join(files.directory, 'credentials');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'fanfare-master-key'), `${newKey()}\n`);
  let server = await start(database, { CREDENTIALS_DIRECTORY: folder });
  try {
    const { check } = await party(server, 1);
    assert.throws(() => statSync(`${database}.key`), /ENOENT/);
    await server.kill();
    const without = spawnSync(fanfareBinary(), ['serve', '--listen', '127.0.0.1:0', '--database',
      `sqlite:${database}`], { env: { PATH: process.env.PATH }, encoding: 'utf8' });
    assert.notEqual(without.status, 0);
    server = await start(database, { CREDENTIALS_DIRECTORY: folder });
    await check(server);
  } finally {
    await server.kill();
  }
});

test('only an admin sees or replaces keys, and no answer holds one', async () => {
  const database = databaseIn('admin');
  const server = await start(database);
  try {
    const { id } = await apiOk(server, 'POST', '/tenants', { body: { name: 'One' } });
    const { key } = await apiOk(server, 'POST', '/api-keys', { body: { tenant_id: id } });
    for (const [method, where] of [['GET', ''], ['POST', '/rotate-master'], ['POST', '/rotate-tenant']]) {
      assert.equal((await api(server, method, `/maintenance/keys${where}`, { key })).status, 403);
    }
    const { text } = await api(server, 'GET', '/maintenance/keys');
    const master = readFileSync(`${database}.key`, 'utf8').trim();
    assert.ok(!text.includes(master) && !text.includes(Buffer.from(master, 'base64').toString('hex')));
  } finally {
    await server.stop();
  }
});
