// The HTTP contract: every refusal with its status, code and sentence, and nothing stored from refused requests.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { api } from '../support/server.mjs';
import { freshPath, world } from './world.mjs';

const here = world();

function assertProblem(answer, status, code) {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers['content-type'], /^application\/problem\+json/);
  assert.equal(answer.json.status, status);
  assert.equal(answer.json.code, code);
  assert.equal(answer.json.request_id, answer.headers['request-id']);
  assert.ok(answer.json.title && answer.json.detail && answer.json.type);
}

test('health checks need no key', async () => {
  for (const where of ['/livez', '/readyz']) {
    const answer = await api(here.server, 'GET', where, { key: null, base: '' });
    assert.equal(answer.status, 200, answer.text);
  }
});

test('unknown paths are 404 problems and wrong methods name the right ones', async () => {
  assertProblem(await here.admin('GET', '/nothing'), 404, 'not_found');
  assertProblem(await api(here.server, 'GET', '/health', { base: '' }), 404, 'not_found');
  const wrong = await here.admin('DELETE', '/events');
  assertProblem(wrong, 405, 'method_not_allowed');
  assert.equal(wrong.headers.allow, 'POST, GET');
});

test('no key, a wrong key and a revoked key get the same 401', async () => {
  const tenant = await here.tenant();
  const made = await tenant.ok('POST', '/api-keys', { role: 'read', name: 'to revoke' });
  const as = (key) => api(here.server, 'GET', '/webhooks', { key });
  assert.equal((await as(made.key)).status, 200);
  assert.equal((await tenant.call('DELETE', `/api-keys/${made.id}`)).status, 204);
  const details = new Set();
  for (const key of [null, 'nonsense', `${tenant.key}x`, made.key]) {
    const answer = await as(key);
    assertProblem(answer, 401, 'unauthorized');
    assert.match(answer.headers['www-authenticate'], /Bearer/);
    details.add(answer.json.detail);
  }
  assert.equal(details.size, 1);
});

test('roles are kept apart', async () => {
  const tenant = await here.tenant();
  const read = await tenant.keyOf('read');
  const publish = await tenant.keyOf('publish');
  const as = (key, method, where, body) => api(here.server, method, where, { key, body });
  assert.equal((await as(read, 'GET', '/webhooks')).status, 200);
  assertProblem(await as(read, 'POST', '/webhooks', {}), 403, 'forbidden');
  assert.equal((await as(publish, 'POST', '/events', { event_type: 'user.created', data: 1 })).status, 202);
  assertProblem(await as(publish, 'GET', '/events'), 403, 'forbidden');
  assertProblem(await tenant.call('POST', '/tenants', { name: 'x' }), 403, 'forbidden');
  assertProblem(await tenant.call('POST', '/event-types', { name: 'a.b' }), 403, 'forbidden');
});

test('bodies that are not JSON, or not said to be, are refused', async () => {
  for (const body of ['{', '[]', '"x"', '{"a":1,"a":2}', '{"name":"x"}}', `{"a":${'['.repeat(70)}${']'.repeat(70)}}`]) {
    assertProblem(await here.admin('POST', '/tenants', body), 400, 'malformed_json');
  }
  const form = await here.admin('POST', '/tenants', 'name=x', { 'content-type': 'application/x-www-form-urlencoded' });
  assertProblem(form, 415, 'unsupported_media_type');
  const zipped = await here.admin('POST', '/tenants', '{}', { 'content-encoding': 'gzip' });
  assertProblem(zipped, 415, 'unsupported_media_type');
});

test('bodies over the limit are 413', async () => {
  const tenant = await here.tenant();
  const data = 'x'.repeat(256 * 1024);
  assertProblem(await tenant.call('POST', '/events', { event_type: 'user.created', data }), 413, 'payload_too_large');
  const huge = await tenant.call('POST', '/events', ' '.repeat(1024 * 1024 + 1)).catch(() => undefined);
  // The server may close before the client has written all of it.
  if (huge) assertProblem(huge, 413, 'payload_too_large');
});

const badWebhooks = [
  [{}, '/url', 'required'],
  [{ url: 7 }, '/url', 'wrong_type'],
  [{ url: 'gopher://example.com/' }, '/url', 'invalid_url'],
  [{ url: 'https://10.0.0.1/' }, '/url', 'invalid_url'],
  [{ url: 'https://169.254.169.254/' }, '/url', 'invalid_url'],
  [{ url: 'https://user:password@example.com/' }, '/url', 'invalid_url'],
  [{ url: 'https://example.com/#a' }, '/url', 'invalid_url'],
  [{ events: [] }, '/events', 'required'],
  [{ events: ['user.creatd'] }, '/events/0', 'unknown_event_type'],
  [{ events: 'user.created' }, '/events', 'wrong_type'],
  [{ headers: { Host: 'x' } }, '/headers/Host', 'invalid_header'],
  [{ headers: { 'X-A': 'a\r\nB: c' } }, '/headers/X-A', 'invalid_header'],
  [{ secret: 'short' }, '/secret', 'invalid_secret'],
  [{ signature: 'md5' }, '/signature', 'unknown_scheme'],
  [{ envelope: 'soap' }, '/envelope', 'unknown_envelope'],
  [{ retry_policy: 'sometimes' }, '/retry_policy', 'unknown_preset'],
  [{ retry_policy: { schedule: ['30d'] } }, '/retry_policy', 'out_of_range'],
  [{ timeout_seconds: 61 }, '/timeout_seconds', 'out_of_range'],
  [{ max_in_flight: 0 }, '/max_in_flight', 'out_of_range'],
  [{ metadata: { a: 1 } }, '/metadata/a', 'wrong_type'],
  [{ evnets: ['*'] }, '/evnets', 'unknown_field'],
];

test('each mistake in a webhook is named, and none is stored', async () => {
  const tenant = await here.tenant();
  for (const [fields, pointer, code] of badWebhooks) {
    const body = { url: 'https://example.com/', events: ['*'], ...fields };
    if (pointer === '/url' && code === 'required') delete body.url;
    const answer = await tenant.call('POST', '/webhooks', body);
    assertProblem(answer, 422, 'validation_failed');
    assert.ok(answer.json.errors.some((error) => error.pointer === pointer && error.code === code && error.detail),
      `${JSON.stringify(fields)}: ${answer.text}`);
  }
  assert.deepEqual((await tenant.ok('GET', '/webhooks')).data, []);
});

test('each mistake in an event is refused, and none is stored', async () => {
  const tenant = await here.tenant();
  const good = { event_type: 'user.created', data: {} };
  for (const [body, status] of [
    [{}, 422], [{ data: 1 }, 422], [{ event_type: 'user.created' }, 422], [{ ...good, event_type: 'nope' }, 422],
    [{ ...good, event_type: ['user.created'] }, 422], [{ ...good, event_id: '' }, 422],
    [{ ...good, event_id: 'x'.repeat(256) }, 422], [{ ...good, max_attempts: 21 }, 422],
    [{ ...good, webhook_ids: ['wh_nothing'] }, 422], [{ ...good, metadata: { a: {} } }, 422],
    [{ ...good, surprise: true }, 422], [{ ...good, tenant_id: 'nobody' }, 404],
  ]) {
    const answer = await tenant.call('POST', '/events', body);
    assert.equal(answer.status, status, `${JSON.stringify(body)}: ${answer.text}`);
  }
  const near = await tenant.call('POST', '/events', { event_type: 'user.creatd', data: 1 });
  assert.match(near.json.detail, /"user\.created"/);
  assert.deepEqual((await tenant.ok('GET', '/events')).data, []);
});

test('a header that decides is refused if it comes twice', async () => {
  const tenant = await here.tenant();
  for (const [name, value] of [['x-api-key', tenant.key], ['idempotency-key', 'k'], ['if-match', '*']]) {
    const answer = await tenant.call('POST', '/events', { event_type: 'user.created', data: 1 }, {
      [name]: [value, value],
    });
    assertProblem(answer, 400, 'bad_request');
    assert.match(answer.json.detail.toLowerCase(), new RegExp(`more than one ${name}`));
  }
  assert.equal((await tenant.ok('GET', '/events')).data.length, 0);
});

test('a signature that could not be sent is refused when it is saved', async () => {
  const tenant = await here.tenant();
  const webhook = await tenant.webhook(freshPath());
  for (const prefix of ['Stripe', 'webhook']) {
    const change = { signature: { scheme: 'stripe', header_prefix: prefix } };
    const answer = await tenant.call('PATCH', `/webhooks/${webhook.id}`, change);
    assertProblem(answer, 422, 'validation_failed');
    assert.equal(answer.json.errors[0].pointer, '/signature/header_prefix');
  }
});

test('an admin must name the tenant', async () => {
  const answer = await here.admin('POST', '/events', { event_type: 'user.created', data: 1 });
  assertProblem(answer, 422, 'validation_failed');
  assert.match(answer.json.detail, /tenant_id/);
  const tenant = await here.tenant();
  const named = await here.admin('POST', '/events', { event_type: 'user.created', data: 1, tenant_id: tenant.id });
  assert.equal(named.status, 202);
});

test('an external id stands for the tenant', async () => {
  assert.equal((await here.admin('POST', '/tenants', { name: 'Org', external_id: 'org-17' })).status, 201);
  assert.equal((await here.admin('GET', '/tenants/org-17')).json.name, 'Org');
  assert.equal((await here.admin('GET', '/events?org_id=org-17')).status, 200);
  assertProblem(await here.admin('POST', '/tenants', { name: 'Two', external_id: 'org-17' }), 409, 'conflict');
});

test('unknown and bad query parameters are named', async () => {
  const tenant = await here.tenant();
  for (const query of ['limt=1', 'limit=0', 'limit=251', 'status=odd', 'code=7', 'since=now', 'limit=1&limit=2']) {
    const answer = await tenant.call('GET', `/deliveries?${query}`);
    assertProblem(answer, 422, 'validation_failed');
    assert.ok(answer.json.errors[0].parameter, answer.text);
  }
  assertProblem(await tenant.call('GET', '/deliveries?cursor=AAAA'), 400, 'invalid_cursor');
});

test('lists are paged, newest first, and cursors belong to one tenant and filter', async () => {
  const tenant = await here.tenant();
  for (let i = 0; i < 5; i += 1) await tenant.publish({ event_id: `e${i}` });
  const seen = [];
  let cursor = '';
  do {
    const page = await tenant.ok('GET', `/events?limit=2${cursor}`);
    seen.push(...page.data.map((event) => event.event_id));
    assert.equal(page.has_more, page.next_cursor !== null);
    cursor = page.has_more ? `&cursor=${page.next_cursor}` : '';
  } while (cursor);
  assert.deepEqual(seen, ['e4', 'e3', 'e2', 'e1', 'e0']);
  const page = await tenant.ok('GET', '/events?limit=2');
  const other = await here.tenant();
  assertProblem(await other.call('GET', `/events?cursor=${page.next_cursor}`), 400, 'invalid_cursor');
  assertProblem(await tenant.call('GET', `/events?event_id=e1&cursor=${page.next_cursor}`), 400, 'invalid_cursor');
});

test('nothing of another tenant can be seen or touched', async () => {
  const owner = await here.tenant();
  const other = await here.tenant();
  const path = freshPath();
  const webhook = await owner.webhook(path);
  const event = await owner.publish();
  await here.receiver.waitFor(path);
  const delivery = (await owner.ok('GET', `/events/${event.id}/deliveries`)).data[0];
  const key = (await owner.ok('GET', '/api-keys')).data[0];
  const routes = [
    ['GET', `/tenants/${owner.id}`], ['DELETE', `/api-keys/${key.id}`],
    ['GET', `/events/${event.id}`], ['GET', `/events/${event.id}/deliveries`], ['GET', `/events/${event.id}/trace`],
    ['GET', `/deliveries/${delivery.id}`], ['POST', `/deliveries/${delivery.id}/retry`],
    ['POST', `/deliveries/${delivery.id}/cancel`],
    ['GET', `/webhooks/${webhook.id}`], ['PATCH', `/webhooks/${webhook.id}`], ['PUT', `/webhooks/${webhook.id}`],
    ['DELETE', `/webhooks/${webhook.id}`], ['GET', `/webhooks/${webhook.id}/deliveries`],
    ...['pause', 'resume', 'disable', 'enable', 'rotate-secret', 'test']
      .map((verb) => ['POST', `/webhooks/${webhook.id}/${verb}`]),
  ];
  for (const [method, where] of routes) {
    const body = method === 'GET' || method === 'DELETE' ? undefined : {};
    const foreign = await other.call(method, where, body);
    assertProblem(foreign, 404, 'not_found');
  }
  const named = await other.call('POST', '/webhooks/test', { webhook_id: webhook.id });
  assertProblem(named, 404, 'not_found');
  for (const list of ['/webhooks', '/events', '/deliveries']) {
    assert.deepEqual((await other.ok('GET', list)).data, []);
    assertProblem(await other.call('GET', `${list}?tenant_id=${owner.id}`), 404, 'not_found');
  }
  const still = await owner.ok('GET', `/webhooks/${webhook.id}`);
  assert.equal(still.status, 'active');
  assert.equal(here.receiver.requests(path).length, 1);
});
