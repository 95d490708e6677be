// The publisher against the real server, and against one that misbehaves as told. What runs here is what the package
// ships: the sources, compiled by the pinned compiler.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { api, apiOk, startReceiver, startServer, temporaryDirectory } from '../../../tests/support/server.mjs';

const here = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const compiled = temporaryDirectory();
const compile = (...args) => execFileSync(process.execPath,
  [path.join(here, 'node_modules/typescript/bin/tsc'), '--project', ...args], { encoding: 'utf8' });

let Fanfare;
let ApiError;
let FanfareError;
let NoAnswerError;
let server;
let receiver;
let tenant;
let key;

before(async () => {
  compile(path.join(here, 'tsconfig.build.json'), '--outDir', path.join(compiled.directory, 'dist'));
  copyFileSync(path.join(here, 'package.json'), path.join(compiled.directory, 'package.json'));
  ({ Fanfare, ApiError, FanfareError, NoAnswerError } =
    await import(pathToFileURL(path.join(compiled.directory, 'dist/fanfare.js')).href));
  receiver = await startReceiver();
  server = await startServer();
  tenant = await apiOk(server, 'POST', '/tenants', { body: { name: 'Publishers', external_id: 'acme' } });
  await apiOk(server, 'POST', '/event-types', { body: { name: 'invoice.paid' } });
  await apiOk(server, 'POST', '/webhooks', {
    body: { tenant_id: tenant.id, url: receiver.url('/hook'), events: ['*'], envelope: 'raw' },
  });
  key = (await apiOk(server, 'POST', '/api-keys', { body: { tenant_id: tenant.id, role: 'publish' } })).key;
});

after(async () => {
  await server?.stop();
  await receiver?.close();
  compiled.remove();
});

let events = 0;
/** Data that no other test publishes. */
function freshData() {
  events += 1;
  return { invoice: `in_${events}` };
}

/** What the server holds, seen by its administrator. */
function stored(where) {
  return apiOk(server, 'GET', `${where}?tenant_id=${tenant.id}`);
}

/** Fails unless the receiver got an event with these data. */
async function assertReceived(data) {
  const seen = () => receiver.requests('/hook').some((request) => request.text === JSON.stringify(data));
  for (let count = receiver.requests('/hook').length; !seen(); count += 1) await receiver.waitFor('/hook', count + 1);
}

describe('types', () => {
  test('the sources and what users may write compile in strict mode, and mistakes do not', () => {
    assert.equal(compile(path.join(here, 'tsconfig.json')), '');
  });
});

describe('publishing to the real server', () => {
  test('an event is stored, delivered and answered with the request id', async () => {
    const data = freshData();

    const published = await new Fanfare({ url: server.url, key }).publish({ event_type: 'invoice.paid', data });

    const { request_id, id, ...rest } = published;
    assert.deepEqual(rest, { event_id: null, deliveries: 1, duplicate: false, attempts: 1 });
    assert.match(request_id, /^\S{8,}$/);
    assert.deepEqual((await stored(`/events/${id}`)).data, data);
    await assertReceived(data);
  });

  test('the same event_id again is a duplicate of the first', async () => {
    const fanfare = new Fanfare({ url: server.url, key });
    const event = { event_type: 'invoice.paid', data: freshData(), event_id: 'order-17', metadata: { by: 'test' } };

    const first = await fanfare.publish(event);
    const second = await fanfare.publish(event);

    assert.deepEqual([first.duplicate, second.duplicate], [false, true]);
    assert.equal(second.id, first.id);
    assert.equal((await stored(`/events/${first.id}`)).metadata.by, 'test');
  });

  test('every way to name the tenant publishes its event', async () => {
    const fanfare = new Fanfare({ url: `${server.url}/`, key: server.adminKey });
    const event_type = 'invoice.paid';
    const ways = [
      (data) => fanfare.publish({ event_type, data, tenant: 'acme' }),
      (data) => fanfare.publish('acme', event_type, data),
      (data) => fanfare.triggerWebhook({ event_type, data, user_id: 'acme' }),
      (data) => fanfare.triggerEvent('acme', event_type, data),
    ];
    for (const way of ways) {
      const data = freshData();
      const { id } = await way(data);
      const event = await stored(`/events/${id}`);
      assert.deepEqual([event.tenant_id, event.event_type, event.data], [tenant.id, event_type, data]);
    }
  });

  test('what the server refuses is an ApiError with its problem, and is not repeated', async () => {
    const refused = new Fanfare({ url: server.url, key }).publish({ event_type: 'invoice.piad', data: {} });

    const error = await refused.then(assert.fail, (reason) => reason);

    assert.ok(error instanceof ApiError && error instanceof FanfareError, String(error));
    assert.deepEqual([error.status, error.code, error.attempts], [422, 'validation_failed', 1]);
    assert.equal(error.errors[0].pointer, '/event_type');
    assert.match(error.errors[0].detail, /invoice\.paid/);
    assert.ok(error.requestId && error.message.includes(error.requestId), error.message);
  });

  test('a wrong key is a 401 whose message does not show it', async () => {
    const wrong = 'ff_live_not-a-key-of-this-server';

    const error = await new Fanfare({ url: server.url, key: wrong })
      .publish({ event_type: 'invoice.paid', data: {} }).then(assert.fail, (reason) => reason);

    assert.equal(error.status, 401);
    assert.ok(!error.message.includes(wrong), error.message);
  });

  test('an attempt whose answer is lost is repeated without publishing twice', async (t) => {
    // Hands every request to the server, and cuts the connection instead of passing on the first answer.
    const lossy = await startReceiver();
    t.after(() => lossy.close());
    lossy.on('/api/v1/events', async (request, index) => {
      const answer = await api(server, 'POST', '/events', {
        body: request.body, key: null,
        headers: {
          'authorization': request.headers.authorization, 'idempotency-key': request.headers['idempotency-key'],
        },
      });
      if (index === 0) return 'reset';
      return { status: answer.status, headers: { 'content-type': 'application/json' }, body: answer.text };
    });
    const data = freshData();

    const published = await new Fanfare({ url: lossy.url(''), key, retryDelayMs: 1 })
      .publish({ event_type: 'invoice.paid', data, event_id: 'lost-answer' });

    assert.deepEqual([published.attempts, published.duplicate, published.deliveries], [2, false, 1]);
    const { data: events } = await stored('/events');
    assert.equal(events.filter((event) => event.event_id === 'lost-answer').length, 1);
  });
});

describe('a server that misbehaves', () => {
  const where = '/api/v1/events';
  const accepted = { status: 202, body: '{"id":"evt_1","event_id":null,"deliveries":1,"duplicate":false}' };
  const event = { event_type: 'invoice.paid', data: { n: 1 } };
  let odd;

  before(async () => { odd = await startReceiver(); });
  after(() => odd.close());

  /** Publishes to a server that answers as told: `{published, error, requests}`. */
  async function against(script, options = {}) {
    odd.clear(where);
    odd.on(where, script);
    const fanfare = new Fanfare({ url: odd.url(''), key: 'k', retryDelayMs: 1, ...options });
    const [published, error] = await fanfare.publish(event).then((value) => [value], (reason) => [undefined, reason]);
    return { published, error, requests: odd.requests(where) };
  }

  for (const step of [408, 429, 500, 502, 503, 504, 'reset',
    { status: 409, body: '{"code":"idempotency_key_in_use","detail":"still running"}' }]) {
    test(`${JSON.stringify(step)} is tried again with the same key and the same bytes`, async () => {
      const { published, requests } = await against([step, step, accepted]);

      assert.equal(published.attempts, 3);
      assert.equal(new Set(requests.map((request) => request.headers['idempotency-key'])).size, 1);
      assert.deepEqual(new Set(requests.map((request) => request.text)), new Set([JSON.stringify(event)]));
    });
  }

  for (const status of [400, 401, 403, 404, 409, 413, 422, 501]) {
    test(`${status} is not tried again`, async () => {
      const { error, requests } = await against(status);

      assert.deepEqual([error.name, error.status, requests.length], ['ApiError', status, 1]);
    });
  }

  test('two calls have two keys', async () => {
    const first = await against(accepted);
    const second = await against(accepted);

    assert.notEqual(first.requests[0].headers['idempotency-key'], second.requests[0].headers['idempotency-key']);
  });

  test('attempts are bounded, and the error keeps the last request id', async () => {
    const failing = [{ status: 503, headers: { 'request-id': 'req_1' } }, 'reset'];

    const { error, requests } = await against(failing, { attempts: 3 });

    assert.equal(requests.length, 3);
    assert.ok(error instanceof NoAnswerError, String(error));
    assert.deepEqual([error.attempts, error.requestId], [3, 'req_1']);
    assert.equal(error.idempotencyKey, requests[0].headers['idempotency-key']);
  });

  test('a server that never answers is given up in time', async () => {
    const { error, requests } = await against('hang', { attemptTimeoutMs: 60, attempts: 2 });

    assert.equal(requests.length, 2);
    assert.equal(error.name, 'NoAnswerError');
    assert.match(error.message, /timeout/);
  });

  test('Retry-After is kept to', async () => {
    const wait = { status: 429, headers: { 'retry-after': '1' } };

    const { published, requests } = await against([wait, accepted]);

    assert.equal(published.attempts, 2);
    assert.ok(requests[1].receivedAt - requests[0].receivedAt >= 990);
  });

  test('a Retry-After beyond the time left ends the call at once and is handed on', async () => {
    const wait = { status: 503, headers: { 'retry-after': '3600', 'request-id': 'req_2' } };

    const { error, requests } = await against(wait);

    assert.deepEqual([error.status, error.retryAfterSeconds, error.requestId, requests.length], [503, 3600, 'req_2', 1]);
  });

  test('a redirect is not followed', async () => {
    const { error } = await against({ status: 307, headers: { location: odd.url('/elsewhere') } });

    assert.deepEqual([error.status, error.code, odd.requests('/elsewhere').length], [307, 'http_307', 0]);
  });

  test('a success that is not ours is an error', async () => {
    for (const body of ['<html>Welcome</html>', '', '{}', '[]', 'null']) {
      const { error, requests } = await against({ status: 200, body });
      assert.deepEqual([error.name, error.code, requests.length], ['ApiError', 'http_200', 1], body);
    }
  });

  test('the answer of a proxy is quoted in short', async () => {
    const { error } = await against({ status: 413, body: `<html>${'too large '.repeat(1000)}` });

    assert.match(error.detail, /^an answer that is not Fanfare's: <html>too large/);
    assert.ok(error.detail.length < 300);
  });

  test('an event without a tenant names none: a broadcast with a service key', async () => {
    odd.clear(where);
    odd.on(where, accepted);

    await new Fanfare({ url: odd.url('/prefix/..'), key: 'k' }).triggerWebhook(event);

    assert.deepEqual(odd.requests(where)[0].json, event);
  });
});

describe('wrong use', () => {
  const event = { event_type: 'invoice.paid', data: {} };

  test('a publisher needs an address, a key and sensible bounds', () => {
    for (const wrong of [
      { url: '' }, { url: 'hooks.example.com' }, { url: 'ftp://hooks.example.com' }, { key: '' }, { key: undefined },
      { attempts: 0 }, { attempts: 21 }, { attempts: Number.NaN }, { totalTimeoutMs: 0 }, { attemptTimeoutMs: '5' },
    ]) {
      assert.throws(() => new Fanfare({ url: 'https://hooks.example.com', key: 'k', ...wrong }), TypeError,
        JSON.stringify(wrong));
    }
  });

  test('an event that would surprise its publisher is refused before anything is sent', async () => {
    const fanfare = new Fanfare({ url: 'http://127.0.0.1:1', key: 'k' });
    const cyclic = {};
    cyclic.self = cyclic;
    for (const call of [
      () => fanfare.publish({ ...event, event_type: '' }),
      () => fanfare.publish({ event_type: 'invoice.paid' }),
      () => fanfare.publish({ ...event, tenant: undefined }),
      () => fanfare.publish({ ...event, tenant: '' }),
      () => fanfare.publish({ ...event, event_id: '' }),
      () => fanfare.publish({ ...event, data: cyclic }),
      () => fanfare.publish({ ...event, data: 1n }),
      () => fanfare.publish('', 'invoice.paid', {}),
      () => fanfare.publish('acme', 'invoice.paid'),
      () => fanfare.publish(event, { idempotencyKey: '' }),
      () => fanfare.triggerWebhook({ ...event, user_id: undefined }),
      () => fanfare.triggerWebhook({ ...event, user_id: null }),
      () => fanfare.triggerEvent(undefined, 'invoice.paid', {}),
    ]) {
      await assert.rejects(call, TypeError, call.toString());
    }
  });
});
