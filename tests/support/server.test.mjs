// The tools of the end-to-end tests, tested without a server: a tool that cannot fail hides bugs.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';

import { api, apiOk, eventually, startReceiver, startServer, within } from './server.mjs';

let receiver;
let caller;
before(async () => {
  receiver = await startReceiver();
  caller = { url: receiver.url(''), adminKey: 'key', agent: new http.Agent() };
});
after(() => receiver.close());

test('the receiver records method, headers and the exact bytes', async () => {
  const bytes = Buffer.from([0, 255, 10, 13]);

  await api(caller, 'PUT', '/exact?x=1', { body: bytes, base: '', headers: { 'X-A': 'b' } });

  const [request] = receiver.requests('/exact');
  assert.equal(request.method, 'PUT');
  assert.equal(request.url, '/exact?x=1');
  assert.equal(request.headers['x-a'], 'b');
  assert.equal(request.headers.authorization, 'Bearer key');
  assert.deepEqual(request.body, bytes);
});

test('calls go below /api/v1, send JSON, and leave out a null key', async () => {
  await api(caller, 'POST', '/things', { body: { a: 1 }, key: null });

  const [request] = receiver.requests('/api/v1/things');
  assert.deepEqual(request.json, { a: 1 });
  assert.equal(request.headers.authorization, undefined);
  assert.equal(request.headers['content-type'], 'application/json');
});

test('a call returns status, headers and JSON', async () => {
  receiver.on('/api/v1/teapot', {
    status: 418, headers: { 'content-type': 'application/problem+json' }, body: '{"code":"x"}',
  });

  const answer = await api(caller, 'GET', '/teapot');

  assert.equal(answer.status, 418);
  assert.deepEqual(answer.json, { code: 'x' });
  await assert.rejects(apiOk(caller, 'GET', '/teapot'), /418.*"code":"x"/);
});

test('a list of answers is given in turn and its last one repeats', async () => {
  receiver.on('/api/v1/turns', [500, { status: 429 }, () => 200]);

  const statuses = [];
  for (let i = 0; i < 4; i += 1) statuses.push((await api(caller, 'GET', '/turns')).status);

  assert.deepEqual(statuses, [500, 429, 200, 200]);
});

test('hang does not answer and reset cuts the connection', async () => {
  receiver.on('/api/v1/hang', 'hang');
  receiver.on('/api/v1/reset', 'reset');

  await assert.rejects(api(caller, 'GET', '/hang', { timeoutMs: 50 }), /not answered within 50 ms/);
  await assert.rejects(api(caller, 'GET', '/reset'), /ECONNRESET|socket hang up/);
});

test('waitFor returns when enough requests are there, and says how many came', async () => {
  const waiting = receiver.waitFor('/api/v1/two', 2);
  await api(caller, 'GET', '/two');
  await api(caller, 'GET', '/two');

  assert.equal((await waiting).length, 2);
  await assert.rejects(receiver.waitFor('/api/v1/two', 3, 20), /3 requests within 20 ms; it received 2/);
});

test('eventually returns the first truthy value and reports the last one', async () => {
  let asked = 0;
  assert.equal(await eventually(() => { asked += 1; return asked > 2 && asked; }, 1000, 1), 3);
  await assert.rejects(eventually(() => { throw new Error('closed'); }, 20, 1), /last: closed/);
  await assert.rejects(within(new Promise(() => {}), 10, 'nothing'), /nothing within 10 ms/);
});

test('a server that ends at once is an error with its output', async () => {
  const binary = process.env.FANFARE_BIN;
  process.env.FANFARE_BIN = process.execPath;
  try {
    await assert.rejects(startServer({ args: ['x'] }), /ended before it listened: code 1[^]*stderr/);
  } finally {
    if (binary === undefined) delete process.env.FANFARE_BIN;
    else process.env.FANFARE_BIN = binary;
  }
});
