// The audit log from outside: each action leaves exactly one right entry, no secret is in it, nobody sees what is not
// theirs, and `fanfare audit verify` finds every way of tampering with the file.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { api, apiOk, eventually, fanfareBinary, startServer, temporaryDirectory } from '../support/server.mjs';
import { deliveryOf, freshPath, world } from './world.mjs';

const here = world();

/** All entries, oldest first, that the query asks for. */
async function entries(query = '', call = here.admin) {
  const found = [];
  let cursor = '';
  do {
    const { status, json: body } = await call('GET', `/audit-logs?limit=250${query}${cursor}`);
    assert.equal(status, 200, JSON.stringify(body));
    found.push(...body.data);
    cursor = body.next_cursor ? `&cursor=${encodeURIComponent(body.next_cursor)}` : '';
  } while (cursor);
  return found.reverse();
}

/** What `action` adds to the log. */
async function entriesOf(action, isThere = () => true) {
  const known = new Set((await entries()).map(({ id }) => id));
  await action();
  return eventually(async () => {
    const added = (await entries()).filter(({ id }) => !known.has(id));
    return isThere(added) ? added : undefined;
  });
}

describe('one entry for each action', () => {
  let tenant;
  let keyId;
  before(async () => {
    tenant = await here.tenant();
    keyId = (await entries('&action=api_key.created')).at(-1).object.id;
  });

  const only = async (action) => {
    const added = await entriesOf(action, (found) => found.length > 0);
    assert.equal(added.length, 1, JSON.stringify(added.map((one) => one.action)));
    const [entry] = added;
    assert.match(entry.id, /^aud_[0-9a-z]{26}$/);
    assert.match(entry.hash, /^[0-9a-f]{64}$/);
    assert.equal(entry.ip, '127.0.0.1');
    assert.match(entry.request_id, /^req_/);
    return entry;
  };

  test('webhooks, from creation to deletion', async () => {
    let hook;
    const steps = [
      ['webhook.created', async () => { hook = await tenant.webhook(freshPath(), { name: 'one' }); }],
      ['webhook.updated', () => tenant.ok('PATCH', `/webhooks/${hook.id}`, { name: 'two' })],
      ['webhook.paused', () => tenant.ok('POST', `/webhooks/${hook.id}/pause`)],
      ['webhook.resumed', () => tenant.ok('POST', `/webhooks/${hook.id}/resume`)],
      ['webhook.disabled', () => tenant.ok('PATCH', `/webhooks/${hook.id}`, { active: false })],
      ['webhook.enabled', () => tenant.ok('POST', `/webhooks/${hook.id}/enable`)],
      ['webhook.secret_rotated', () => tenant.ok('POST', `/webhooks/${hook.id}/rotate-secret`)],
      ['webhook.tested', () => tenant.ok('POST', `/webhooks/${hook.id}/test`, { event_type: 'invoice.paid' })],
      ['webhook.deleted', () => tenant.ok('DELETE', `/webhooks/${hook.id}`)],
    ];
    const seen = {};
    for (const [action, act] of steps) {
      const entry = await only(act);
      assert.equal(entry.action, action);
      assert.deepEqual(entry.object, { type: 'webhook', id: hook.id });
      assert.equal(entry.tenant_id, tenant.id);
      assert.deepEqual([entry.actor.kind, entry.actor.id], ['api_key', keyId]);
      seen[action] = entry;
    }
    assert.equal(seen['webhook.created'].before, null);
    assert.equal(seen['webhook.created'].after.name, 'one');
    assert.deepEqual(seen['webhook.updated'].before, { name: 'one' });
    assert.deepEqual(seen['webhook.updated'].after, { name: 'two' });
    assert.deepEqual(seen['webhook.paused'].after, { status: 'paused' });
    assert.deepEqual(seen['webhook.disabled'].after, { status: 'disabled', disabled_reason: 'manual' });
    assert.deepEqual(Object.keys(seen['webhook.secret_rotated'].after), ['secrets']);
    assert.equal(seen['webhook.secret_rotated'].after.secrets.length, 2);
    assert.equal(seen['webhook.tested'].metadata.event_type, 'invoice.paid');
    assert.equal(seen['webhook.deleted'].after, null);
    assert.equal(seen['webhook.deleted'].before.name, 'two');
  });

  test('a webhook that answers 410 is disabled by the system', async () => {
    const where = freshPath();
    here.receiver.on(where, 410);
    const hook = await tenant.webhook(where);

    await tenant.publish();

    const entry = await eventually(async () => (await entries(`&object=${hook.id}&action=webhook.disabled`))[0]);
    assert.deepEqual(entry.actor, { kind: 'system', id: null, name: null });
    assert.deepEqual(entry.after, { status: 'disabled', disabled_reason: 'gone' });
    assert.equal((await entries(`&object=${hook.id}`)).length, 2);
  });

  test('deliveries retried and cancelled', async () => {
    const where = freshPath();
    const hook = await tenant.webhook(where);
    const done = await deliveryOf(tenant, await tenant.publish({ webhook_ids: [hook.id] }), (one) => one.status === 'success');
    await tenant.ok('POST', `/webhooks/${hook.id}/pause`);
    const open = await deliveryOf(tenant, await tenant.publish({ webhook_ids: [hook.id] }));

    const retried = await only(() => tenant.ok('POST', `/deliveries/${done.id}/retry`));
    const cancelled = await only(() => tenant.ok('POST', `/deliveries/${open.id}/cancel`));
    const all = await only(() => apiOk(here.server, 'POST', '/deliveries/retry-due'));

    assert.deepEqual([retried.action, retried.object.id], ['delivery.retried', done.id]);
    assert.deepEqual([cancelled.action, cancelled.object.id], ['delivery.cancelled', open.id]);
    assert.deepEqual([all.action, all.actor.kind, all.tenant_id], ['delivery.retry_due', 'admin_key', null]);
    await tenant.ok('DELETE', `/webhooks/${hook.id}`);
  });

  test('event types, tenants and keys', async () => {
    const ok = (method, where, body) => apiOk(here.server, method, where, { body });
    const keyFile = `${here.server.database.replace(/^sqlite:/, '')}.key`;
    let made;
    let key;
    const steps = [
      ['event_type.created', () => ok('POST', '/event-types', { name: 'audit.one', category: 'a' })],
      ['event_type.updated', () => ok('PATCH', '/event-types/audit.one', { category: 'b' })],
      ['event_type.deleted', () => ok('DELETE', '/event-types/audit.one')],
      ['tenant.created', async () => { made = await ok('POST', '/tenants', { name: 'Audited' }); }],
      ['api_key.created', async () => { key = await ok('POST', '/api-keys', { tenant_id: made.id, name: 'k' }); }],
      ['api_key.revoked', () => ok('DELETE', `/api-keys/${key.id}`)],
      ['tenant.key_rotated', () => ok('POST', '/maintenance/keys/rotate-tenant', { tenant_id: made.id })],
      ['keys.master_rotated', () => {
        writeFileSync(keyFile, `${randomBytes(32).toString('base64')}\n${readFileSync(keyFile, 'utf8')}`);
        return ok('POST', '/maintenance/keys/rotate-master');
      }],
    ];
    for (const [action, act] of steps) {
      const entry = await only(act);
      assert.equal(entry.action, action);
      assert.equal(entry.actor.kind, 'admin_key');
    }
    const unchanged = await entriesOf(() => ok('POST', '/maintenance/keys/rotate-master'));
    assert.deepEqual(unchanged, [], 'a file that is as it was');
    const [changed] = await entries('&action=event_type.updated&object=audit.one');
    assert.deepEqual([changed.before, changed.after], [{ category: 'a' }, { category: 'b' }]);
    const [revoked] = await entries(`&action=api_key.revoked&object=${key.id}`);
    assert.equal(revoked.tenant_id, made.id);
    assert.deepEqual(Object.keys(revoked.after), ['revoked_at']);
  });

  test('a key that opens nothing, and one that is too small for an admin', async () => {
    const refused = await only(() => api(here.server, 'GET', '/webhooks', { key: 'ff_live_nobody' }));
    assert.deepEqual([refused.action, refused.actor.kind], ['login.refused', 'anonymous']);
    assert.deepEqual(refused.metadata, { method: 'GET', path: '/api/v1/webhooks' });

    const forbidden = await only(() => tenant.call('GET', '/tenants'));
    assert.deepEqual([forbidden.action, forbidden.actor.id], ['login.forbidden', keyId]);
  });

  test('publishing, reading and refused changes leave none', async () => {
    const hook = await tenant.webhook(freshPath());
    const added = await entriesOf(async () => {
      await tenant.publish();
      await tenant.ok('GET', '/webhooks');
      await tenant.ok('POST', `/webhooks/${hook.id}/resume`);
      assert.equal((await tenant.call('PATCH', `/webhooks/${hook.id}`, { url: 7 })).status, 422);
      assert.equal((await tenant.call('DELETE', '/webhooks/wh_none')).status, 404);
    });
    assert.deepEqual(added, []);
  });
});

test('no secret is in the log', async () => {
  const tenant = await here.tenant();
  const canary = (name) => `canary-${name}-0123456789abcdef0123456789`;
  const secret = `whsec_${Buffer.from(canary('secret')).toString('base64')}`;
  const hook = await tenant.webhook(`${freshPath()}?token=${canary('query')}`,
    { secret, headers: { Authorization: `Bearer ${canary('header')}` } });
  const { secret: made } = await tenant.ok('POST', `/webhooks/${hook.id}/rotate-secret`);
  await tenant.ok('PATCH', `/webhooks/${hook.id}`, { headers: { Authorization: canary('second') } });
  await api(here.server, 'GET', '/webhooks', { key: canary('key') });
  await tenant.ok('POST', `/webhooks/${hook.id}/test`, { payload: { text: canary('payload') } });

  const log = JSON.stringify(await entries());

  for (const text of [canary(''), 'canary', secret, made, tenant.key, here.server.adminKey]) {
    assert.ok(!log.includes(text), text);
  }
  const [created] = await entries(`&object=${hook.id}&action=webhook.created`);
  assert.match(created.after.headers.Authorization, /^sha256:[0-9a-f]{12}$/);
  assert.match(created.after.secrets[0].fingerprint, /^sha256:[0-9a-f]{12}$/);
});

test('a tenant sees its own entries, whatever it asks for', async () => {
  const [one, other] = [await here.tenant(), await here.tenant()];
  const hook = await one.webhook(freshPath());
  const reader = await one.keyOf('read');
  const publisher = await one.keyOf('publish');
  const [entry] = await entries(`&object=${hook.id}`);
  const as = (key) => (method, where) => api(here.server, method, where, { key });

  assert.equal((await entries('', one.call)).every(({ tenant_id: id }) => id === one.id), true);
  assert.equal((await entries(`&object=${hook.id}`, as(reader))).length, 1);
  assert.deepEqual(await entries(`&object=${hook.id}`, other.call), []);
  assert.equal((await other.call('GET', `/audit-logs/${entry.id}`)).status, 404);
  assert.equal((await other.call('GET', `/audit-logs?tenant_id=${one.id}`)).status, 404);
  assert.equal((await as(publisher)('GET', '/audit-logs')).status, 403);
  assert.deepEqual((await one.call('GET', `/audit-logs/${entry.id}`)).json, entry);
});

describe('fanfare audit verify', () => {
  const home = temporaryDirectory();
  const file = path.join(home.directory, 'fanfare.db');
  after(() => home.remove());

  const verify = (database = file) => new Promise((resolve) => {
    execFile(fanfareBinary(), ['audit', 'verify', '--json', '--database', `sqlite:${database}`],
      { env: { PATH: process.env.PATH } },
      (error, stdout, stderr) => resolve({ code: error ? error.code : 0, answer: stdout ? JSON.parse(stdout) : stderr }));
  });

  /** A copy of the database with `sql` run on it by somebody who can write the file. */
  let copies = 0;
  const tampered = (sql) => {
    copies += 1;
    const copy = path.join(home.directory, `copy-${copies}.db`);
    copyFileSync(file, copy);
    copyFileSync(`${file}.key`, `${copy}.key`);
    const script = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
    db.execute("DROP TRIGGER " + name)
db.executescript(sys.argv[2])
db.commit()`;
    execFileSync('python3', ['-c', script, copy, sql]);
    return copy;
  };
  const ids = [];

  before(async () => {
    const server = await startServer({ database: `sqlite:${file}` });
    for (let i = 0; i < 6; i += 1) await apiOk(server, 'POST', '/tenants', { body: { name: `T${i}` } });
    const running = await verify();
    assert.equal(running.code, 0, `beside a running server: ${JSON.stringify(running.answer)}`);
    const { data } = await apiOk(server, 'GET', '/audit-logs');
    ids.push(...data.map(({ id }) => id).reverse());
    await server.stop();
  });

  test('a whole log, from the start of the server to its end', async () => {
    const { code, answer } = await verify();
    assert.equal(code, 0, JSON.stringify(answer));
    assert.equal(answer.whole, true);
    assert.equal(answer.rows, 8, 'started, six tenants, stopped');
    const server = await startServer({ database: `sqlite:${file}`, args: ['--profile', 'nuke'] });
    const data = await eventually(async () => {
      const found = await apiOk(server, 'GET', '/audit-logs?object=server');
      return found.data.length === 3 ? found.data : undefined;
    });
    await server.stop();
    assert.deepEqual(data.map(({ action }) => action), ['server.started', 'server.stopped', 'server.started']);
    assert.deepEqual(data.map(({ metadata }) => metadata.profile), ['nuke', 'standard', 'standard']);
    assert.match(data[0].metadata.version, /^\d+\.\d+\.\d+/);
    assert.equal((await verify()).code, 0);
    assert.match(answer.last_hash, /^[0-9a-f]{64}$/);
  });

  const nth = (n) => `(SELECT id FROM audit_log ORDER BY id LIMIT 1 OFFSET ${n})`;
  const cases = [
    ['a changed row', `UPDATE audit_log SET after_json = '{}' WHERE id = ${nth(3)}`, 3],
    ['a changed hash', `UPDATE audit_log SET hash = zeroblob(32) WHERE id = ${nth(3)}`, 3],
    ['a removed row', `DELETE FROM audit_log WHERE id = ${nth(3)}`, 4],
    ['swapped rows', `CREATE TEMP TABLE two AS SELECT ${nth(2)} AS a, ${nth(3)} AS b;
      UPDATE audit_log SET id = zeroblob(15) || x'01' WHERE id = (SELECT a FROM two);
      UPDATE audit_log SET id = (SELECT a FROM two) WHERE id = (SELECT b FROM two);
      UPDATE audit_log SET id = (SELECT b FROM two) WHERE id = zeroblob(15) || x'01'`, 2],
    ['an anchor with another hash', `UPDATE audit_anchor SET hash = randomblob(32)`, 0],
  ];
  for (const [what, sql, at] of cases) {
    test(`${what} is named`, async () => {
      const { code, answer } = await verify(tampered(sql));
      assert.equal(code, 1);
      assert.equal(answer.broken_at, ids[at], answer.reason);
    });
  }

  test('an inserted row is named', async () => {
    const columns = 'tenant, at, actor_kind, actor_id, actor_name, action, object_type, object_id, before_json, after_json,'
      + ' ip, user_agent, request_id, metadata, hash';
    const { code, answer } = await verify(tampered(
      `INSERT INTO audit_log SELECT CAST(substr(id, 1, 8) || x'ffffffffffffffff' AS BLOB), ${columns} FROM audit_log WHERE id = ${nth(3)}`));
    assert.equal(code, 1);
    assert.ok(!ids.includes(answer.broken_at) && answer.broken_at > ids[3], answer.reason);
  });

  test('a row that hides before the beginning is found', async () => {
    const columns = 'tenant, at, actor_kind, actor_id, actor_name, action, object_type, object_id, before_json, after_json,'
      + ' ip, user_agent, request_id, metadata, hash';
    const { code, answer } = await verify(tampered(
      `INSERT INTO audit_log SELECT 'a text', ${columns} FROM audit_log WHERE id = ${nth(3)}`));
    assert.equal(code, 1);
    assert.match(answer.reason, /before the beginning/);
  });

  const sealed = [
    ['a cut tail', `DELETE FROM audit_log WHERE id >= ${nth(6)}`, /ends with/],
    ['a cut front with a moved anchor', `UPDATE audit_anchor SET (id, hash) = (SELECT id, hash FROM audit_log ORDER BY id LIMIT 1);
      DELETE FROM audit_log WHERE id <= (SELECT id FROM audit_anchor)`, /begins behind/],
    ['a log without its seal', "DELETE FROM settings WHERE key = 'audit_seal'", /seal is gone/],
    ['an emptied log', 'DELETE FROM audit_log', /ends with/],
  ];
  for (const [what, sql, reason] of sealed) {
    test(`${what} does not fit the seal`, async () => {
      const { code, answer } = await verify(tampered(sql));
      assert.equal(code, 1);
      assert.match(answer.reason, reason);
    });
  }

  test('a server that starts on a cut log does not hide it', async () => {
    const copy = tampered(`DELETE FROM audit_log WHERE id >= ${nth(6)}`);
    const server = await startServer({ database: `sqlite:${copy}` });
    await apiOk(server, 'POST', '/tenants', { body: { name: 'Later' } });
    const { data } = await apiOk(server, 'GET', '/audit-logs?action=server.audit_log_broken');
    await server.stop();

    const { code, answer } = await verify(copy);

    assert.equal(code, 1);
    assert.equal(answer.broken_at, data[0].id);
    assert.match(server.stderr(), /the audit log was changed while the server did not run/);
  });

  test('a master key that took the place of another seals the log too', async () => {
    const copy = tampered('SELECT 1');
    const server = await startServer({ database: `sqlite:${copy}` });
    const keys = (verb) => new Promise((resolve, reject) => {
      execFile(fanfareBinary(), ['keys', verb, '--url', server.url, '--database', `sqlite:${copy}`],
        { env: { PATH: process.env.PATH, FANFARE_API_KEY: server.adminKey } },
        (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)));
    });
    const before = readFileSync(`${copy}.key`, 'utf8');
    await keys('rotate-master');
    await keys('prune');
    const { code, answer } = await verify(copy);
    await server.stop();

    assert.ok(!readFileSync(`${copy}.key`, 'utf8').includes(before.trim()), 'the old key is gone');
    assert.equal(code, 0, answer.reason);
    assert.equal((await verify(copy)).code, 0, 'after a stop');
  });

  test('without the master key it says where it looked', async () => {
    const { code, answer } = await verify(path.join(home.directory, 'none.db'));
    assert.equal(code, 1);
    assert.match(answer, /none\.db\.key cannot be read/);
  });
});
