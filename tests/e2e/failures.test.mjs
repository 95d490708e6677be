// Receivers that misbehave in one way each, and what the delivery log says of it: the kind for programs, the
// sentence that says what happened, the diagnosis that says what to do, and the retry that follows. Raw sockets,
// because an HTTP server's library would not let its server misbehave.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import tls from 'node:tls';

import { authority, selfSigned } from '../support/certificates.mjs';
import { apiOk, eventually, startServer, temporaryDirectory } from '../support/server.mjs';
import { deliveryOf, freshPath, world } from './world.mjs';

const files = temporaryDirectory();
const trusted = authority(files.directory);
const here = world({ args: ['--egress-ca-file', trusted.file] });

const servers = [];
after(() => {
  for (const { server, sockets } of servers) {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
  files.remove();
});

/** Listens on a free port of 127.0.0.1, and returns the port. */
async function listening(server) {
  const sockets = new Set();
  servers.push({ server, sockets });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

/** A receiver that runs `script(socket)` once something of a request has come. */
async function raw(script) {
  const port = await listening(net.createServer((socket) => socket.once('data', () => script(socket))));
  return `http://127.0.0.1:${port}/hook`;
}

/** One that ends the connection after these bytes. */
const answering = (bytes) => raw((socket) => socket.end(bytes));

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/** A TLS receiver that would answer 200. */
async function secured(options, script = (socket) => socket.end(ok)) {
  const server = tls.createServer(options, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => script(socket));
  });
  return `https://127.0.0.1:${await listening(server)}/hook`;
}

/** A port where nobody listens. */
async function closedPort() {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Publishes one event to `url`, and returns its delivery with its attempts once all of them are over. */
async function delivered(url, settings = {}) {
  const tenant = await here.tenant();
  await tenant.ok('POST', '/webhooks', {
    url, events: ['*'], timeout_seconds: 1, retry_policy: { schedule: ['50ms'], jitter: 0 }, ...settings,
  });
  const event = await tenant.publish();
  const { id } = await deliveryOf(tenant, event, ({ status }) => !['pending', 'retrying'].includes(status));
  return tenant.ok('GET', `/deliveries/${id}`);
}

/** Both attempts fail alike, in these words. */
async function assertFails(url, kind, error, diagnosis, settings) {
  const delivery = await delivered(url, settings);
  assert.equal(delivery.status, 'failed');
  assert.equal(delivery.attempt_log.length, 2, 'it was tried again');
  for (const told of [...delivery.attempt_log, { ...delivery, error: delivery.last_error }]) {
    assert.equal(told.error_kind, kind, told.error);
    assert.match(told.error, error);
    assert.match(told.diagnosis, diagnosis);
    assert.doesNotMatch(`${told.error} ${told.diagnosis}`, /127\.|undefined|errno|SSL_/);
  }
  for (const attempt of delivery.attempt_log) assert.equal(attempt.success, false);
  return delivery;
}

describe('names and connections', { concurrency: 4 }, () => {
  // Without a name server that answers, nobody knows that the name does not exist.
  test('a name that does not resolve', async () => {
    const delivery = await delivered('https://does-not-exist.example/hook', { timeout_seconds: 2 });
    for (const { error, error_kind, diagnosis } of delivery.attempt_log) {
      assert.match(error_kind, /^dns(_timeout)?$/);
      assert.match(error, /host name.* \(does-not-exist\.example\)$/);
      assert.match(diagnosis, /typing error|name servers/);
    }
  });

  test('nobody listens on the port', async () => {
    await assertFails(`http://127.0.0.1:${await closedPort()}/`, 'connect_refused',
      /refused the connection/, /check that the receiver runs and listens on the URL's port/);
  });

  test('no way to the address', async () => {
    // The broadcast address of the loopback network: TCP has no route to it.
    await assertFails('http://127.255.255.255:8080/', 'connect_failed', /no route/, /no way through the network/);
  });

  test('a connection cut before the answer', async () => {
    await assertFails(await raw((socket) => socket.resetAndDestroy()), 'connection_lost',
      /broke off the connection without an answer/, /crash or a restart/);
    await assertFails(await answering(''), 'connection_lost',
      /closed the connection without an answer/, /crash or a restart/);
  });

  test('a connection cut inside the head', async () => {
    await assertFails(await answering('HTTP/1.1 200 OK\r\nContent-'), 'connection_lost',
      /in the middle of its answer's head/, /hung up in the middle/);
  });
});

describe('time', { concurrency: 4 }, () => {
  test('no answer at all', async () => {
    await assertFails(await raw(() => {}), 'timeout', /sent no answer within 1s/, /answer 2xx at once/);
  });

  test('an answer that stalls in its head', async () => {
    await assertFails(await raw((socket) => socket.write('HTTP/1.1 200 OK\r\nX-A: ')), 'timeout',
      /began its answer, but did not finish its head within 1s/, /stalled/);
  });

  test('a TLS handshake that never ends', async () => {
    const url = (await raw(() => {})).replace('http:', 'https:');
    await assertFails(url, 'tls_timeout', /did not finish the TLS handshake within 1s/, /does not speak TLS/);
  });

  test('a success whose body never ends is a success, cut off', async () => {
    const delivery = await delivered(await raw((socket) => socket.write(
      'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')));
    assert.equal(delivery.status, 'success');
    assert.equal(delivery.diagnosis, null);
    assert.deepEqual(delivery.attempt_log.map(({ response }) => [response.body, response.truncated]), [['half', true]]);
  });
});

describe('certificates', { concurrency: 4 }, () => {
  const flaws = [
    ['expired', { starts: -30, ends: -1 }, /has expired/, /renew it/],
    ['early', { starts: 2 }, /not valid yet/, /clock/],
    ['other-host', { names: 'DNS:other.example' }, /for another host/, /names the URL's host/],
    ['for-clients', { usage: 'clientAuth' }, /not made for servers/, /serverAuth/],
    ['weak', { rsaBits: 1024 }, /too weak/, /2048 bits/],
  ];
  for (const [name, options, error, diagnosis] of flaws) {
    test(`one that is ${name}`, async () => {
      const url = await secured({ ...trusted.issue(name, options), ciphers: 'DEFAULT:@SECLEVEL=0' });
      await assertFails(url, 'tls_certificate', error, diagnosis);
    });
  }

  test('one that vouches for itself', async () => {
    await assertFails(await secured(selfSigned(files.directory)), 'tls_certificate', /self-signed/, /public authority/);
  });

  test('one of an authority that nobody knows', async () => {
    const stranger = authority(files.directory, 'stranger').issue('leaf');
    await assertFails(await secured(stranger), 'tls_certificate', /unknown authority/, /intermediate certificates/);
  });

  test('a good one is no obstacle', async () => {
    const delivery = await delivered(await secured(trusted.issue('good')));
    assert.equal(delivery.status, 'success');
    assert.match(delivery.attempt_log[0].tls, /^TLSv1\.3 /);
  });
});

describe('TLS', { concurrency: 4 }, () => {
  test('outdated versions only', async () => {
    const url = await secured({
      ...trusted.issue('old'), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0',
    });
    await assertFails(url, 'tls', /no version of TLS from 1\.2 on/, /offer TLS 1\.2 or 1\.3/);
  });

  test('no cipher in common', async () => {
    // A cipher for RSA keys, with a key that is none.
    const url = await secured({
      ...trusted.issue('cipherless'), maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256',
    });
    await assertFails(url, 'tls', /nothing in common/, /current ciphers/);
  });

  test('plain HTTP on the TLS port', async () => {
    const url = await answering('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    await assertFails(url.replace('http:', 'https:'), 'tls', /does not speak TLS/, /check the port/);
  });

  test('TLS on the plain port', async () => {
    const alert = Buffer.from([0x15, 0x03, 0x01, 0, 2, 2, 70]);
    await assertFails(await answering(alert), 'bad_response', /speaks TLS on this port/, /register the URL with https/);
    // Servers on OpenSSL send no alert to what is plain HTTP.
    const silent = (await secured(trusted.issue('not-plain'))).replace('https:', 'http:');
    await assertFails(silent, 'connection_lost', /without an answer/, /https:\/\/ if it speaks TLS/);
  });

  test('a connection closed in the handshake', async () => {
    const url = (await answering('')).replace('http:', 'https:');
    await assertFails(url, 'tls', /closed the connection during the TLS handshake/, /hung up/);
  });

  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    test(`a client certificate wanted, ${version}`, async () => {
      const url = await secured({
        ...trusted.issue(`demanding-${version}`), requestCert: true, rejectUnauthorized: true, maxVersion: version,
      });
      await assertFails(url, 'tls', /asked for a client certificate/, /without one/);
    });
  }
});

describe('answers that are none', { concurrency: 4 }, () => {
  const field = (size) => `X-A: ${'x'.repeat(size)}\r\n`;
  const cases = [
    ['not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'bad_response', /is not HTTP/, /that of an HTTP server/],
    ['a status of 600', 'HTTP/1.1 600 Odd\r\n\r\n', 'bad_response', /no status from 100 to 599/, /proper status/],
    ['a head that is too large', `HTTP/1.1 200 OK\r\n${field(7000).repeat(5)}`, 'bad_response', /too large/, /fewer/],
    ['a line that is too long', `HTTP/1.1 200 OK\r\n${field(9000)}`, 'bad_response', /too long/, /shorter headers/],
    ['a change of protocol', 'HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n', 'bad_response', /\(101\)/, /WebSocket/],
    ['both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 'bad_response',
      /both a Content-Length and a Transfer-Encoding/, /rules of HTTP/],
    ['interim answers only', 'HTTP/1.1 102 Processing\r\n\r\n', 'connection_lost', /interim answers/, /a final one/],
    ['interim answers without end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(200), 'bad_response', /without end/,
      /never a final one/],
  ];
  for (const [name, bytes, kind, error, diagnosis] of cases) {
    test(name, async () => assertFails(await answering(bytes), kind, error, diagnosis));
  }

  test('the status decides, though the chunks are broken or the body is cut off', async () => {
    const chunks = 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n';
    const taken = await delivered(await answering(`HTTP/1.1 200 OK\r\n${chunks}`));
    assert.equal(taken.status, 'success');
    assert.equal(taken.attempt_log[0].response.truncated, true);
    const refused = await assertFails(await answering('HTTP/1.1 500 x\r\nContent-Length: 9\r\n\r\nhalf'),
      'http_status', /answered 500/, /own code/);
    assert.equal(refused.response_body, 'half');
    assert.equal(refused.attempt_log[0].response.truncated, true);
  });
});

describe('statuses', { concurrency: 4 }, () => {
  const statuses = [
    [400, /compare the body/], [401, /secret/], [403, /firewall/], [404, /path/], [405, /POST/], [408, /overloaded/],
    [409, /webhook-id/], [413, /larger/], [415, /application\/json/], [418, /418/], [422, /refused its content/],
    [500, /own code/], [501, /does not implement/], [502, /proxy/], [503, /maintenance/], [504, /answer at once/],
    [599, /599/],
  ];
  for (const [status, diagnosis] of statuses) {
    test(`${status}`, async () => {
      const where = freshPath();
      here.receiver.on(where, status);
      const error = new RegExp(`^the receiver answered ${status}$`);
      const delivery = await assertFails(here.receiver.url(where), 'http_status', error, diagnosis);
      assert.equal(delivery.response_status, status);
    });
  }

  test('429 with and without Retry-After', async () => {
    const where = freshPath();
    here.receiver.on(where, 429);
    await assertFails(here.receiver.url(where), 'rate_limited', /answered 429$/, /did not say how long/);
    here.receiver.on(where, { status: 429, headers: { 'retry-after': '1' } });
    const delivery = await assertFails(here.receiver.url(where), 'rate_limited', /asked to wait 1 s/, /said how long/);
    const [first, second] = delivery.attempt_log.map(({ started_at: at }) => Date.parse(at));
    assert.ok(second - first >= 1000, `${second - first} ms`);
  });

  test('410 ends the delivery and disables the webhook', async () => {
    const where = freshPath();
    here.receiver.on(where, 410);
    const delivery = await delivered(here.receiver.url(where));
    assert.equal(delivery.attempt_log.length, 1);
    assert.equal(delivery.error_kind, 'gone');
    assert.match(delivery.diagnosis, /correct the URL and enable it again/);
  });

  test('a redirect is named without the secrets of its query, and not followed', async () => {
    const where = freshPath();
    const there = freshPath();
    here.receiver.on(where, {
      status: 302, headers: { location: `https://user:hunter2@hooks.example.com${there}?token=hunter2#hunter2` },
    });
    const delivery = await assertFails(here.receiver.url(where), 'redirect',
      new RegExp(`redirect to https://\\*\\*\\*@hooks\\.example\\.com${there}\\?\\*\\*\\*; redirects are not followed`),
      new RegExp(`redirect to https://.*${there}.*; register that URL`));
    assert.doesNotMatch(delivery.last_error + delivery.diagnosis, /hunter2/);
    here.receiver.on(where, 301);
    await assertFails(here.receiver.url(where), 'redirect', /301; redirects are not followed/, /register the URL/);
  });
});

describe('what the operator does not allow', () => {
  // A URL that could not be saved now: it was saved when more was allowed.
  test('an address, and plain http', async () => {
    const database = `sqlite:${path.join(files.directory, 'denied.db')}`;
    const env = { FANFARE_ADMIN_KEY: 'an-admin-key-of-32-characters-and-more' };
    const open = await startServer({ database, env });
    const { id: tenant } = await apiOk(open, 'POST', '/tenants', { body: { name: 'Denied' } });
    await apiOk(open, 'POST', '/event-types', { body: { name: 'user.created' } });
    const webhook = {
      url: here.receiver.url('/denied'), events: ['*'], tenant_id: tenant,
      retry_policy: { schedule: ['50ms'], jitter: 0 },
    };
    await apiOk(open, 'POST', '/webhooks', { body: webhook });
    await open.stop();

    for (const [egress, error, diagnosis] of [
      [['--egress-http'], /^this destination is not allowed$/, /use a public address/],
      [[], /not allowed: the URL must begin with https:\/\//, /let the operator allow plain http/],
    ]) {
      const server = await startServer({ database, env, egress });
      const body = { event_type: 'user.created', data: 1, tenant_id: tenant };
      const { id } = await apiOk(server, 'POST', '/events', { body });
      const delivery = await eventually(async () => {
        const { data } = await apiOk(server, 'GET', `/events/${id}/deliveries?tenant_id=${tenant}`);
        return data[0]?.status === 'failed' && data[0];
      });
      await server.stop();
      assert.equal(delivery.error_kind, 'egress_denied');
      assert.equal(delivery.attempts, 2);
      assert.match(delivery.last_error, error);
      assert.match(delivery.diagnosis, diagnosis);
    }
    assert.equal(here.receiver.requests('/denied').length, 0);
  });
});

describe('test deliveries', { concurrency: 4 }, () => {
  const shown = ['delivery_id', 'success', 'response_status', 'response_time_ms', 'response_headers', 'response_body',
    'error', 'error_kind', 'diagnosis', 'request'];

  test('say what a delivery would say, whatever the status of the webhook', async () => {
    const tenant = await here.tenant();
    for (const change of ['resume', 'pause', 'disable']) {
      const webhook = await tenant.webhook('/unused', { url: `http://127.0.0.1:${await closedPort()}/` });
      await tenant.ok('POST', `/webhooks/${webhook.id}/${change}`);
      const result = await tenant.ok('POST', '/webhooks/test', { webhook_id: webhook.id });
      assert.deepEqual(Object.keys(result), shown);
      assert.equal(result.success, false);
      assert.equal(result.response_status, null);
      assert.equal(result.response_body, null);
      assert.equal(result.error_kind, 'connect_refused');
      assert.match(result.error, /refused the connection/);
      assert.match(result.diagnosis, /listens on the URL's port/);
      assert.equal(result.request.url, webhook.url);
    }
  });

  test('send the sample of any type, or a payload, as tests that the log shows', async () => {
    const tenant = await here.tenant();
    const where = freshPath();
    here.receiver.on(where, { status: 202, body: 'taken', headers: { 'x-receiver': 'here' } });
    const webhook = await tenant.webhook(where, { events: ['user.deleted'] });
    const send = (body) => tenant.ok('POST', `/webhooks/${webhook.id}/test`, body);
    const sample = await send({ event_type: 'invoice.paid' });
    const own = await send({ event_type: 'user.created', payload: { own: [1, 2] } });
    const [first, second] = here.receiver.requests(where);
    assert.deepEqual(first.json.data, { of: 'invoice.paid' });
    assert.deepEqual(second.json.data, { own: [1, 2] });
    assert.equal(sample.success, true);
    assert.equal(sample.response_status, 202);
    assert.equal(sample.response_body, 'taken');
    assert.equal(sample.response_headers['x-receiver'], 'here');
    assert.deepEqual([sample.error, sample.error_kind, sample.diagnosis], [null, null, null]);
    assert.equal(sample.request.body, first.text);
    assert.equal(sample.request.headers['webhook-id'], first.headers['webhook-id']);

    const { data } = await tenant.ok('GET', `/webhooks/${webhook.id}/deliveries`);
    assert.deepEqual(data.map(({ id }) => id), [own.delivery_id, sample.delivery_id]);
    for (const delivery of data) {
      assert.deepEqual([delivery.is_test, delivery.trigger, delivery.status], [true, 'test', 'success']);
    }
  });

  test('of a type that has no sample need a payload', async () => {
    const tenant = await here.tenant();
    const webhook = await tenant.webhook(freshPath());
    await apiOk(here.server, 'POST', '/event-types', { body: { name: 'sample.less' } });
    const answer = await tenant.call('POST', `/webhooks/${webhook.id}/test`, { event_type: 'sample.less' });
    assert.equal(answer.status, 422);
    assert.equal(answer.json.errors[0].code, 'no_sample');
    assert.match(answer.json.errors[0].detail, /give a payload, or add a sample/);
  });
});
