// What a system's clients see of its profile: each one that comes with the server starts and answers on the paths its
// clients call; a person's own file works; a bad one is refused with file, line and reason.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test from 'node:test';

import {
  api, apiOk, fanfareBinary, startReceiver, startServer, temporaryDirectory,
} from '../support/server.mjs';

const systems = {
  standard: { hooks: '/api/v1/webhooks', events: 0, event: 'order.paid', scheme: 'standard', envelope: 'standard' },
  airwave: { hooks: '/api/webhooks', events: 4, event: 'execution.completed', scheme: 'standard', envelope: 'event' },
  'email-sla': {
    hooks: '/api/webhooks/subscribe', events: 9, event: 'sla.breached', scheme: 'hex', envelope: 'event',
  },
  'whatsapp-crm': { hooks: '/api/v1/webhooks', events: 22, event: 'message.new', scheme: 'hex', envelope: 'event' },
  nuke: { hooks: '/webhooks', events: 6, event: 'vehicle.created', scheme: 'stripe', envelope: 'type' },
  'ops-center': { hooks: '/api/v1/webhooks', events: 30, event: 'invoice.paid', scheme: 'hex', envelope: 'event' },
};

/** A server with a profile, a tenant with the external id `u-17`, and calls on paths as they are written. */
async function started(t, profile) {
  const server = await startServer({ args: ['--profile', profile] });
  t.after(() => server.stop());
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const { id } = await apiOk(server, 'POST', '/tenants', { body: { name: 'U', external_id: 'u-17' } });
  const { key } = await apiOk(server, 'POST', '/api-keys', { body: { tenant_id: id, role: 'tenant' } });
  const call = (method, where, body, headers) => api(server, method, where, { base: '', body, headers, key });
  const admin = (method, where, body, headers) => api(server, method, where, { base: '', body, headers });
  return { server, receiver, call, admin, tenant: id };
}

for (const [name, system] of Object.entries(systems)) {
  test(`${name} starts, answers on its paths, and delivers as its receivers expect`, async (t) => {
    const { server, receiver, call } = await started(t, name);
    const profile = await call('GET', '/api/v1/profile');
    assert.equal(profile.json.name, name);
    assert.equal(profile.json.signature.scheme, system.scheme);
    assert.equal(profile.json.envelope, system.envelope);
    const catalogue = await call('GET', '/api/v1/webhooks/events?limit=250');
    assert.equal(catalogue.json.data.length, system.events);
    for (const type of catalogue.json.data) {
      assert.ok(type.category && type.description && type.sample, type.name);
    }
    if (system.events === 0) await apiOk(server, 'POST', '/event-types', { body: { name: system.event } });

    const made = await call('POST', `${system.hooks}/`, { url: receiver.url('/hook'), events: [system.event] });
    assert.equal(made.status, 201, made.text);
    assert.equal(made.json[profile.json.tenant_word], profile.json.tenant_word === 'tenant_id' ? made.json.tenant_id : 'u-17');
    assert.equal((await call('GET', system.hooks)).json.data.length, 1);
    assert.equal((await call('PATCH', `${system.hooks}/${made.json.id}`, { description: 'a' })).status, 200);
    assert.equal((await call('PUT', `${system.hooks}/${made.json.id}`, { description: 'b' })).json.description, 'b');
    const sent = await call('POST', '/api/v1/events', { event: system.event, payload: { n: 1 } });
    assert.equal(sent.status, 202, sent.text);
    const [request] = await receiver.waitFor('/hook');
    assert.deepEqual(request.json.data, { n: 1 });
    assert.equal(request.json[system.envelope === 'event' ? 'event' : 'type'], system.event);
    assert.equal((await call('DELETE', `${system.hooks}/${made.json.id}`)).status, 204);
  });
}

test('an unknown event type of a system is refused when a webhook is made', async (t) => {
  const { receiver, call } = await started(t, 'ops-center');
  const made = await call('POST', '/api/v1/webhooks', { url: receiver.url('/x'), events: ['user.creatd'] });

  assert.equal(made.status, 422);
  assert.match(made.json.detail, /user\.created/);
});

test('email-sla deletes by the query and signs in hex', async (t) => {
  const { receiver, call } = await started(t, 'email-sla');
  const hooks = '/api/webhooks/subscribe';
  const made = await call('POST', hooks, { url: receiver.url('/h'), events: ['sla.breached'] });
  assert.equal(made.json.retry_count, 3);
  await call('POST', '/api/v1/events', { event_type: 'sla.breached', data: {} });
  const [request] = await receiver.waitFor('/h');
  const expected = createHmac('sha256', made.json.secret).update(request.body).digest('hex');
  assert.equal(request.headers['x-webhook-signature'], expected);

  assert.equal((await call('DELETE', hooks)).status, 422);
  assert.equal((await call('DELETE', `${hooks}?id=${made.json.id}`)).status, 204);
  assert.equal((await call('DELETE', `${hooks}?id=${made.json.id}`)).status, 404);
});

test('airwave names the retry policy its own way, in and out', async (t) => {
  const { receiver, call } = await started(t, 'airwave');
  const made = await call('POST', '/api/webhooks', {
    url: receiver.url('/h'), events: ['execution.completed'], retry_config: { schedule: ['1s'], attempts: 2 },
  });

  assert.equal(made.status, 201, made.text);
  assert.deepEqual(made.json.retry_config, made.json.retry_policy);
  assert.equal(made.json.retry_count, 1);
});

/** A request exactly as a command line of theirs sends it. */
function raw(server, method, where, headers, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(where, server.url), { method, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }));
    });
    request.once('error', reject);
    request.end(body);
  });
}

test('nuke: its functions, its cron line, its signatures and its secrets', async (t) => {
  const { server, receiver, call, admin } = await started(t, 'nuke');
  const manage = '/functions/v1/webhooks-manage';
  const made = await call('POST', manage, { url: receiver.url('/h'), events: ['vehicle.created'] });
  assert.equal(made.status, 201, made.text);
  assert.match(made.json.secret, /^whsec_[0-9a-f]{64}$/);
  const rotated = await call('POST', `${manage}/${made.json.id}/rotate-secret`);
  assert.match(rotated.json.secret, /^whsec_[0-9a-f]{64}$/);
  assert.equal(rotated.json.previous_expires_at, null);

  const deliver = await admin('POST', '/functions/v1/webhooks-deliver', {
    action: 'deliver', event_type: 'vehicle.created', data: { vehicle_id: 'v' }, user_id: 'u-17',
  });
  assert.equal(deliver.status, 202, deliver.text);
  const [request] = await receiver.waitFor('/h');
  const stamp = request.headers['nuke-timestamp'];
  const hex = createHmac('sha256', rotated.json.secret).update(`${stamp}.${request.text}`).digest('hex');
  assert.equal(request.headers['nuke-signature'], `t=${stamp},v1=${hex}`);
  assert.equal(request.headers['stripe-signature'], `t=${stamp},v1=${hex}`);
  const deliveries = await call('GET', `${manage}/${made.json.id}/deliveries`);
  assert.equal(deliveries.json.data[0].endpoint_id, made.json.id);
  assert.equal(deliveries.json.data[0].user_id, 'u-17');

  const cron = await raw(server, 'POST', '/functions/v1/webhooks-deliver',
    { authorization: `Bearer ${server.adminKey}`, 'content-type': 'application/x-www-form-urlencoded' },
    '{"action": "retry"}');
  assert.equal(cron.status, 202, cron.text);
  const unknown = await admin('POST', '/functions/v1/webhooks-deliver', { action: 'explode' });
  assert.equal(unknown.status, 422);
  assert.match(unknown.text, /\\"deliver\\" or \\"retry\\"/);
  assert.equal((await call('POST', '/functions/v1/webhooks-deliver', { action: 'retry' })).status, 403);
});

test('a type that was deleted stays away after a restart, and one that was changed stays changed', async (t) => {
  const { directory, remove } = temporaryDirectory();
  t.after(remove);
  const options = { args: ['--profile', 'nuke'], database: `sqlite:${path.join(directory, 'fanfare.db')}` };
  const first = await startServer(options);
  await apiOk(first, 'DELETE', '/event-types/import.completed');
  await apiOk(first, 'PATCH', '/event-types/vehicle.created', { body: { description: 'ours' } });
  await first.stop();

  const second = await startServer(options);
  t.after(() => second.stop());

  const { data } = await apiOk(second, 'GET', '/webhooks/events');
  assert.equal(data.length, systems.nuke.events - 1);
  assert.equal(data.find((type) => type.name === 'vehicle.created').description, 'ours');
});

const own = `
name = "bakery"
title = "A bakery"
catalogue = "open"
[tenant]
word = "shop_id"
[webhooks]
retry_policy = { schedule = ["1s", "2s"] }
signature = { scheme = "hex", header = "X-Bakery" }
envelope = "raw"
[[paths]]
from = "/hooks"
to = "/api/v1/webhooks"
[requests.event]
what = "event_type"
[answers.webhook]
is_on = "active"
`;

test("a person's own file works, named by the environment too", async (t) => {
  const { directory, remove } = temporaryDirectory();
  t.after(remove);
  const file = path.join(directory, 'bakery.toml');
  writeFileSync(file, own);
  const receiver = await startReceiver();
  t.after(() => receiver.close());
  const server = await startServer({ env: { FANFARE_PROFILE: file } });
  t.after(() => server.stop());
  await apiOk(server, 'POST', '/tenants', { body: { name: 'B', external_id: 'b-1' } });

  const made = await api(server, 'POST', '/hooks', {
    base: '', body: { shop_id: 'b-1', url: receiver.url('/h'), events: ['bread.baked'] },
  });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.json.shop_id, 'b-1');
  assert.equal(made.json.is_on, true);
  assert.equal(made.json.retry_count, 2);
  await apiOk(server, 'POST', '/events', { body: { shop_id: 'b-1', what: 'bread.baked', data: { n: 1 } } });
  const [request] = await receiver.waitFor('/h');
  assert.equal(request.text, '{ "n": 1 }'.replaceAll(' ', ''));
  assert.ok(request.headers['x-bakery']);
  assert.equal((await api(server, 'GET', '/webhooks?shop_id=b-1')).json.data.length, 1);
});

test('--catalogue comes before what the profile says', async (t) => {
  const server = await startServer({ args: ['--profile', 'nuke', '--catalogue', 'open'] });
  t.after(() => server.stop());
  await apiOk(server, 'POST', '/tenants', { body: { name: 'B', external_id: 'b-1' } });

  await apiOk(server, 'POST', '/events', { body: { user_id: 'b-1', event: 'never.heard', data: 1 } });
});

test('a bad profile is refused with file, line and reason', (t) => {
  const { directory, remove } = temporaryDirectory();
  t.after(remove);
  const file = path.join(directory, 'mine.toml');
  const cases = [
    ['name = "m"\n[webhooks]\nenvelop = "raw"\n', /mine\.toml:3: webhooks\.envelop .*did you mean webhooks\.envelope/],
    ['name = "m"\ncatalogue = true\n', /mine\.toml:2: catalogue must be a string/],
    ['name = "m"\n[[event_types]]\nname = "a.b"\nsample = "{"\n', /mine\.toml:4: .*sample is not JSON/],
    ['name = "m"\n[[paths]]\nfrom = "/a"\nto = "/api/v1/wombats"\n', /mine\.toml:4: .*leads to no route/],
    ['name = "m"\n[answers.webhook]\nx = "wombat"\n', /mine\.toml:3: .*"wombat", which is not a field/],
    ['name = "m"\n[[paths]]\nfrom = "/livez"\nto = "/api/v1/webhooks"\n', /mine\.toml:3: .*the server's own \/livez/],
    ['name = "m"\n[[paths]]\nfrom = "/api"\nto = "/api/v1/webhooks"\n', /mine\.toml:3: .*the server's own \/api\/v1/],
    ['name = "m"\n[tenant]\nword = "url"\n', /mine\.toml:3: tenant\.word cannot be "url"/],
    ['name = \n', /mine\.toml:1: /],
  ];
  for (const [text, reason] of cases) {
    writeFileSync(file, text);
    const result = spawnSync(fanfareBinary(), ['serve', '--database', 'memory:', '--profile', file],
      { encoding: 'utf8', timeout: 20_000, env: { PATH: process.env.PATH } });
    assert.equal(result.status, 2, result.stderr);
    assert.match(result.stderr, reason);
  }
  const unknown = spawnSync(fanfareBinary(), ['serve', '--database', 'memory:', '--profile', 'nuk'],
    { encoding: 'utf8', timeout: 20_000, env: { PATH: process.env.PATH } });
  assert.equal(unknown.status, 2);
  assert.match(unknown.stderr, /--profile: .*"nuk" is not a profile; there are airwave/);
});
