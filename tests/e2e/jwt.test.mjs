// Bearer JWTs, made by Node's own crypto: all four algorithms, the attacks on each, and who may do
// what.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { api, apiOk, startServer, temporaryDirectory } from '../support/server.mjs';

const secret = crypto.randomBytes(32).toString('base64url');
const pairs = {
  RS256: crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: crypto.generateKeyPairSync('ed25519'),
};
const kids = { HS256: 'hs', RS256: 'rs', ES256: 'es', EdDSA: 'ed' };
const encode = (value) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const seconds = () => Math.floor(Date.now() / 1000);

function signatureOf(algorithm, text, key) {
  switch (algorithm) {
    case 'HS256': return crypto.createHmac('sha256', key ?? secret).update(text).digest();
    case 'RS256': return crypto.sign('sha256', Buffer.from(text), key ?? pairs.RS256.privateKey);
    case 'ES256': return crypto.sign('sha256', Buffer.from(text), {
      key: key ?? pairs.ES256.privateKey, dsaEncoding: 'ieee-p1363',
    });
    case 'EdDSA': return crypto.sign(null, Buffer.from(text), key ?? pairs.EdDSA.privateKey);
    default: return Buffer.alloc(0);
  }
}

function sign(claims, { algorithm = 'HS256', header = {}, key } = {}) {
  const now = seconds();
  const text = encode({ alg: algorithm, typ: 'JWT', kid: kids[algorithm], ...header }) + '.'
    + encode({ iat: now, exp: now + 3600, aud: 'fanfare', ...claims });
  return `${text}.${signatureOf(algorithm, text, key).toString('base64url')}`;
}

const files = temporaryDirectory();
const inFiles = (name) => path.join(files.directory, name);
let server;
before(async () => {
  writeFileSync(inFiles('hs.secret'), `${secret}\n`);
  writeFileSync(inFiles('rs.pem'), pairs.RS256.publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(inFiles('es.json'), JSON.stringify(pairs.ES256.publicKey.export({ format: 'jwk' })));
  writeFileSync(inFiles('ed.pem'), pairs.EdDSA.publicKey.export({ type: 'spki', format: 'pem' }));
  const common = 'audience = "fanfare"\nrole_claim = "role"\n'
    + 'roles = { boss = "admin", viewer = "read" }\ndefault_role = "tenant"\n';
  writeFileSync(inFiles('keys.toml'),
    `[[key]]\nid = "hs"\nalgorithm = "HS256"\nsecret_file = "hs.secret"\n${common}`
    + `[[key]]\nid = "rs"\nalgorithm = "RS256"\npublic_key_file = "rs.pem"\n${common}`
    + `[[key]]\nid = "es"\nalgorithm = "ES256"\npublic_key_file = "es.json"\n${common}`
    + `[[key]]\nid = "ed"\nalgorithm = "EdDSA"\npublic_key_file = "ed.pem"\n${common}`);
  server = await startServer({
    args: ['--jwt-keys', inFiles('keys.toml'), '--log-level', 'debug'],
  });
  await apiOk(server, 'POST', '/tenants', { body: { name: 'One', external_id: 'user-1' } });
});
after(async () => {
  await server?.stop();
  files.remove();
});

const ask = async (token) => (await api(server, 'GET', '/webhooks', { key: token })).status;

for (const algorithm of Object.keys(kids)) {
  test(`a token of ${algorithm} is its tenant's`, async () => {
    assert.equal(await ask(sign({ sub: 'user-1' }, { algorithm })), 200);
  });

  test(`a token of ${algorithm} by another key, or changed, is refused`, async () => {
    const other = {
      HS256: crypto.randomBytes(32).toString('base64url'),
      RS256: crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
      ES256: crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
      EdDSA: crypto.generateKeyPairSync('ed25519').privateKey,
    };
    const good = sign({ sub: 'user-1' }, { algorithm });
    const [header, , signature] = good.split('.');
    const now = seconds();
    const claims = encode({ iat: now, exp: now + 9, aud: 'fanfare', sub: 'user-1', role: 'boss' });
    assert.equal(await ask(sign({ sub: 'user-1' }, { algorithm, key: other[algorithm] })), 401);
    assert.equal(await ask(`${header}.${claims}.${signature}`), 401);
    assert.equal(await ask(`${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`), 401);
    assert.equal(await ask(`${header}.${claims}.`), 401);
  });
}

test('alg none, in any spelling, is refused', async () => {
  for (const none of ['none', 'None', 'NONE', 'nOnE', '']) {
    for (const kid of [...Object.values(kids), undefined]) {
      const token = sign({ sub: 'user-1', role: 'boss' }, { header: { alg: none, kid } });
      const unsigned = `${token.split('.').slice(0, 2).join('.')}.`;
      assert.equal(await ask(token), 401);
      assert.equal(await ask(unsigned), 401);
    }
  }
});

test('a public key is no HMAC secret', async () => {
  const pem = pairs.RS256.publicKey.export({ type: 'spki', format: 'pem' });
  const der = pairs.RS256.publicKey.export({ type: 'spki', format: 'der' });
  for (const key of [pem, pem.trim(), der, '']) {
    for (const alg of ['HS256', 'RS256']) {
      const token = sign({ sub: 'user-1', role: 'boss' }, { key, header: { alg, kid: 'rs' } });
      assert.equal(await ask(token), 401);
    }
  }
});

test('kid is only looked up, and keys that a token brings along are not used', async () => {
  const evil = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = evil.publicKey.export({ format: 'jwk' });
  const mine = (header) => sign({ sub: 'user-1' }, { algorithm: 'RS256', key: evil.privateKey, header });
  assert.equal(await ask(mine({ jwk })), 401);
  assert.equal(await ask(mine({ jku: 'http://127.0.0.1:1/keys', x5u: 'http://127.0.0.1:1/c' })), 401);
  assert.equal(await ask(mine({ x5c: ['AAAA'] })), 401);
  for (const kid of ['../../dev/null', "' OR 1=1", 'unknown', '', 7, null, undefined, 'k'.repeat(65)]) {
    assert.equal(await ask(sign({ sub: 'user-1' }, { header: { kid } })), 401, String(kid));
  }
  assert.equal(await ask(sign({ sub: 'user-1' }, { header: { crit: ['b64'] } })), 401);
});

test('dates and audience are kept', async () => {
  const now = seconds();
  for (const claims of [
    { exp: now - 61 }, { exp: undefined }, { iat: undefined }, { nbf: now + 120 },
    { iat: now + 120 }, { exp: now + 90_000 }, { exp: String(now + 60) }, { exp: now + 60.5 },
    { exp: -1 }, { aud: 'other' }, { aud: undefined }, { aud: [] },
  ]) {
    assert.equal(await ask(sign({ sub: 'user-1', ...claims })), 401, JSON.stringify(claims));
  }
  assert.equal(await ask(sign({ sub: 'user-1', aud: ['x', 'fanfare'], nbf: now })), 200);
});

test('every refusal reads the same, and its reason is in the log without the token', async () => {
  const answers = [];
  for (const token of [
    sign({ sub: 'user-1', aud: 'other' }), sign({}), 'a.b.c', 'ff_live_nothing',
  ]) {
    const { status, headers, json } = await api(server, 'GET', '/webhooks', { key: token });
    assert.equal(status, 401);
    assert.equal(headers['www-authenticate'], 'Bearer realm="fanfare"');
    answers.push({ ...json, request_id: '' });
    assert.ok(!server.stderr().includes(token));
  }
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  assert.match(server.stderr(), /aud is another audience/);
});

test('the role claim decides how far a token goes', async () => {
  const status = async (claims, method, where, body) =>
    (await api(server, method, where, { key: sign(claims), body })).status;
  assert.equal(await status({ role: 'boss' }, 'GET', '/tenants'), 200);
  assert.equal(await status({ sub: 'user-1' }, 'GET', '/tenants'), 403);
  assert.equal(await status({ sub: 'user-1', role: 'viewer' }, 'GET', '/webhooks'), 200);
  assert.equal(await status({ sub: 'user-1', role: 'viewer' }, 'POST', '/webhooks', {}), 403);
  assert.equal(await status({ sub: 'user-1', role: 'other' }, 'GET', '/webhooks'), 401);
});

test('a token of an unknown tenant is forbidden, or makes the tenant where that is wanted', async () => {
  const unknown = await api(server, 'GET', '/webhooks', { key: sign({ sub: 'user-9' }) });
  assert.equal(unknown.status, 403);
  assert.match(unknown.json.detail, /no tenant/);

  const making = await startServer({
    env: { FANFARE_JWT_SECRET: secret }, args: ['--auto-create-tenants=true'],
  });
  try {
    const body = { url: 'https://example.com/a', events: ['*'] };
    const key = sign({ sub: 'user-9' }, { header: { kid: 'Xy+/9=' } });
    const made = await Promise.all([1, 2, 3].map(() => api(making, 'POST', '/webhooks', { key, body })));
    assert.deepEqual(made.map((answer) => answer.status), [201, 201, 201]);
    const tenants = await apiOk(making, 'GET', '/tenants');
    assert.deepEqual(tenants.data.map((tenant) => tenant.external_id), ['user-9']);
  } finally {
    await making.stop();
  }
});

test('tokens of Supabase just work with the profile nuke', async () => {
  writeFileSync(inFiles('supabase.secret'), `${secret}\n`);
  const nuke = await startServer({
    args: ['--profile', 'nuke', '--jwt-secret-file', inFiles('supabase.secret')],
  });
  try {
    const issued = 1_627_208_540;
    const tenYears = { iat: issued, exp: 1_942_784_540, aud: undefined };
    const bare = { header: { kid: undefined } };
    const service = sign({ ...tenYears, iss: 'supabase', ref: 'abc', role: 'service_role' }, bare);
    const anon = sign({ ...tenYears, iss: 'supabase', ref: 'abc', role: 'anon' }, bare);
    const user = sign({
      iss: 'https://abc.supabase.co/auth/v1', sub: '6c9f1f64-0b43-4f0e-9c60-6d1c1b0f8a11',
      aud: 'authenticated', role: 'authenticated', email: 'a@example.com', aal: 'aal1',
      app_metadata: { provider: 'email', providers: ['email'] }, amr: [{ method: 'password' }],
    }, { header: { kid: 'Xy+/9kVb1RxZ0mBd' } });

    const body = { url: 'https://example.com/a', events: ['vehicle.created'] };
    const made = await api(nuke, 'POST', '/functions/v1/webhooks-manage', { key: user, body, base: '' });
    assert.equal(made.status, 201, made.text);
    assert.equal((await api(nuke, 'GET', '/tenants', { key: user })).status, 403);
    const tenants = await apiOk(nuke, 'GET', '/tenants', { key: service });
    assert.deepEqual(tenants.data.map((tenant) => tenant.external_id),
      ['6c9f1f64-0b43-4f0e-9c60-6d1c1b0f8a11']);
    assert.equal((await api(nuke, 'GET', '/webhooks', { key: anon })).status, 401);
  } finally {
    await nuke.stop();
  }
});

test('a file of keys with a mistake stops the start, with file, line and reason', async () => {
  writeFileSync(inFiles('bad.toml'), '[[key]]\nalgorithm = "HS256"\nsecret_file = "rs.pem"\n');
  await assert.rejects(startServer({ args: ['--jwt-keys', inFiles('bad.toml')] }), (error) => {
    assert.match(error.message, /code 2/);
    assert.match(error.message, /bad\.toml:3: key\[0\]\.secret_file names a file whose content/);
    return true;
  });
});
