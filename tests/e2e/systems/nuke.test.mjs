// The vehicle database: Supabase tokens, Stripe-compatible signatures, functions' paths, one call that publishes.
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { eventually } from '../../support/server.mjs';
import { repository, simulated, system, verifies } from './system.mjs';

const secret = randomBytes(32).toString('hex');
const here = system('nuke', {
  args: (directory) => {
    const file = path.join(directory, 'jwt.secret');
    writeFileSync(file, secret, { mode: 0o600 });
    return ['--jwt-secret-file', file];
  },
});
const { requirement, later } = here;

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
function jwt(claims, key = secret) {
  const content = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${content}.${createHmac('sha256', key).update(content).digest('base64url')}`;
}
const now = () => Math.floor(Date.now() / 1000);
const userToken = (sub) => jwt({ sub, role: 'authenticated', aud: 'authenticated', iat: now() - 5, exp: now() + 3600 });
/** As Supabase makes service keys: no sub, no aud, good for ten years. */
const service = here.as(jwt({ iss: 'supabase', role: 'service_role', iat: now() - 86_400 * 30, exp: now() + 86_400 * 3620 }));

/** A user with a token of its own and a path of the receiver. */
function user() {
  const name = `user-${randomBytes(6).toString('hex')}`;
  const where = `/${name}`;
  const caller = here.as(userToken(name));
  const webhook = (more = {}) => caller.ok('POST', '/webhooks',
    { url: here.receiver.url(where), description: 'cars', events: ['*'], ...more });
  const deliver = (more = {}) => service.ok('POST', '/functions/v1/webhooks-deliver',
    { action: 'deliver', event_type: 'vehicle.created', data: { vehicle_id: 'v-1' }, user_id: name, ...more });
  return { name, where, webhook, deliver, ...caller };
}

requirement('N1', 'GET /webhooks lists the caller\'s endpoints', async () => {
  const [one, other] = [user(), user()];
  const webhook = await one.webhook();
  await other.webhook();
  const list = await one.ok('GET', '/webhooks');
  assert.deepEqual(list.data.map((row) => row.id), [webhook.id]);
});
requirement('N2', 'GET /webhooks/{id} has its recent deliveries', async () => {
  const one = user();
  const webhook = await one.webhook();
  await here.delivery(await one.deliver(), (delivery) => delivery.status === 'success');
  const shown = await one.ok('GET', `/webhooks/${webhook.id}`);
  assert.equal(shown.recent_deliveries.length, 1);
  assert.equal(shown.recent_deliveries[0].event_type, 'vehicle.created');
});
requirement('N3', 'POST creates, with the key in X-API-Key too', async () => {
  const one = user();
  await one.webhook();
  const key = await here.keyOf(one.name);
  const made = await here.as(null).call('POST', '/webhooks',
    { url: here.receiver.url(one.where), events: ['vehicle.created'] }, { 'X-API-Key': key });
  assert.equal(made.status, 201);
  assert.equal(made.json.user_id, one.name);
});
requirement('N4', 'PATCH changes', async () => {
  const one = user();
  const webhook = await one.webhook();
  const changed = await one.ok('PATCH', `/webhooks/${webhook.id}`, { description: 'boats', events: ['vehicle.deleted'] });
  assert.deepEqual([changed.description, changed.events], ['boats', ['vehicle.deleted']]);
});
requirement('N5', 'DELETE removes', async () => {
  const one = user();
  const webhook = await one.webhook();
  assert.equal((await one.call('DELETE', `/webhooks/${webhook.id}`)).status, 204);
  assert.equal((await one.call('GET', `/webhooks/${webhook.id}`)).status, 404);
});
requirement('N6', 'POST /webhooks/{id}/rotate-secret gives a new secret that signs at once', async () => {
  const one = user();
  const webhook = await one.webhook();
  const rotated = await one.ok('POST', `/webhooks/${webhook.id}/rotate-secret`);
  await one.deliver();
  const [request] = await here.receiver.waitFor(one.where);

  assert.notEqual(rotated.secret, webhook.secret);
  assert.ok(stripeVerifies(request, rotated.secret));
  assert.ok(!stripeVerifies(request, webhook.secret), 'the old one ends at once unless an overlap is asked for');
});
requirement('N7', 'deliver and retry are for the service only', async () => {
  const one = user();
  await one.webhook();
  const body = { action: 'deliver', event_type: 'vehicle.created', data: {}, user_id: 'somebody-else' };
  assert.equal((await one.call('POST', '/functions/v1/webhooks-deliver', body)).status, 403);
  assert.equal((await one.call('POST', '/functions/v1/webhooks-deliver', { ...body, user_id: one.name })).status, 403,
    'nor to oneself');
  assert.equal((await one.call('POST', '/functions/v1/webhooks-deliver', { action: 'retry' })).status, 403);
  assert.ok((await service.call('POST', '/functions/v1/webhooks-deliver', { action: 'retry' })).status < 300);
  assert.equal((await service.call('POST', '/functions/v1/webhooks-deliver', { action: 'dance' })).status, 422);
});
requirement('N8', 'an endpoint has their fields; url and events are checked', async () => {
  const one = user();
  const webhook = await one.webhook();
  assert.equal(webhook.user_id, one.name);
  assert.equal(webhook.active, true);
  assert.equal(webhook.description, 'cars');
  assert.match(webhook.created_at, /Z$/);
  assert.match(webhook.updated_at, /Z$/);
  assert.equal((await one.call('POST', '/webhooks', { url: 'not a url', events: ['*'] })).status, 422);
  assert.equal((await one.call('POST', '/webhooks', { url: webhook.url, events: [] })).status, 422);
});
requirement('N9', 'a delivery has their fields, max attempts per delivery included', async () => {
  const one = user();
  const webhook = await one.webhook();
  here.receiver.on(one.where, { status: 500, body: 'broken' });
  const event = await one.deliver({ max_attempts: 2, event_id: 'n9-1' });
  const row = await here.delivery(event, (delivery) => delivery.status === 'retrying');
  const detail = await here.ok('GET', `/api/v1/deliveries/${row.id}`);

  assert.equal(row.endpoint_id ?? row.webhook_id, webhook.id);
  assert.equal(row.event_type, 'vehicle.created');
  assert.equal(row.event_id, event.id);
  assert.equal(row.attempts, 1);
  assert.equal(row.max_attempts, 2);
  assert.equal(row.response_status, 500);
  assert.equal(row.response_body, 'broken');
  assert.ok(row.response_time_ms >= 0);
  assert.match(row.created_at, /Z$/);
  assert.equal(row.delivered_at, null);
  assert.match(row.next_retry_at, /Z$/);
  assert.match(row.last_error, /500/);
  assert.deepEqual(JSON.parse(detail.attempt_log[0].request.body).data, { vehicle_id: 'v-1' });
});
requirement('N10', 'the six events and the wildcard', async () => {
  const { data } = await here.ok('GET', '/api/v1/event-types?limit=250');
  assert.deepEqual(data.map((type) => type.name).sort(), ['document.uploaded', 'import.completed', 'observation.created',
    'vehicle.created', 'vehicle.deleted', 'vehicle.updated']);
  const one = user();
  await one.webhook({ events: ['*'] });
  for (const type of data) await one.deliver({ event_type: type.name, data: type.sample });
  assert.equal((await here.receiver.waitFor(one.where, 6)).length, 6);
});

function stripeVerifies(request, key, header = 'stripe-signature') {
  const { t, v1 } = Object.fromEntries(request.headers[header].split(',').map((item) => item.split('=')));
  return v1 === createHmac('sha256', key).update(`${t}.${request.text}`).digest('hex');
}
requirement('N11', 'the signature is t=…,v1=… over timestamp.payload', async () => {
  const one = user();
  const webhook = await one.webhook();
  await one.deliver();
  const [request] = await here.receiver.waitFor(one.where);
  assert.match(request.headers['nuke-signature'], /^t=\d{10},v1=[0-9a-f]{64}$/);
  assert.ok(stripeVerifies(request, webhook.secret, 'nuke-signature'));
});
const stripeCode = `
const Stripe = require(process.argv[4]);
const stripe = new Stripe('sk_test_x');
try { stripe.webhooks.constructEvent(process.argv[1], process.argv[2], process.argv[3]); console.log('ok'); }
catch { console.log('bad'); }
`;
const pythonCode = `
import hashlib, hmac, sys
body, header, secret = sys.argv[1:4]
parts = dict(item.split("=", 1) for item in header.split(","))
expected = hmac.new(secret.encode(), f"{parts['t']}.{body}".encode(), hashlib.sha256).hexdigest()
print("ok" if hmac.compare_digest(expected, parts["v1"]) else "bad")
`;
requirement('N12', 'an off-the-shelf Stripe library verifies it, and a Python receiver does', async () => {
  const one = user();
  const webhook = await one.webhook();
  await one.deliver();
  const [request] = await here.receiver.waitFor(one.where);
  const stripe = path.join(repository, 'tests/verifiers/node_modules/stripe');
  const signature = request.headers['stripe-signature'];

  assert.equal(request.headers['nuke-signature'], signature);
  assert.match(request.headers['nuke-timestamp'], /^\d{10}$/);
  assert.ok(signature.startsWith(`t=${request.headers['nuke-timestamp']},`));
  assert.ok(verifies('node', stripeCode, request.text, signature, webhook.secret, stripe));
  assert.ok(!verifies('node', stripeCode, `${request.text} `, signature, webhook.secret, stripe));
  assert.ok(verifies('python', pythonCode, request.text, signature, webhook.secret));
  assert.ok(!verifies('python', pythonCode, request.text, signature, `${webhook.secret}x`));
});
requirement('N13', 'the secret is 32 bytes of hex, shown when it is made and never after', async () => {
  const one = user();
  const webhook = await one.webhook();
  const rotated = await one.ok('POST', `/webhooks/${webhook.id}/rotate-secret`, {});
  for (const made of [webhook, rotated]) assert.match(made.secret, /^whsec_[0-9a-f]{64}$/);
  for (const where of ['/webhooks', `/webhooks/${webhook.id}`]) {
    const { text } = await one.call('GET', where);
    assert.ok(!text.includes(webhook.secret) && !text.includes(rotated.secret), where);
  }
});
requirement('N14', 'a user sees only their own, the service role everybody\'s', async () => {
  const [one, other] = [user(), user()];
  const webhook = await one.webhook();
  await other.webhook();
  const delivery = await here.delivery(await one.deliver(), (row) => row.status === 'success');

  assert.equal((await other.call('GET', `/webhooks/${webhook.id}`)).status, 404);
  assert.equal((await other.call('GET', `/api/v1/deliveries/${delivery.id}`)).status, 404);
  assert.equal((await other.call('PATCH', `/webhooks/${webhook.id}`, { active: false })).status, 404);
  assert.equal((await service.call('GET', `/webhooks/${webhook.id}`)).status, 200);
  assert.equal((await service.call('GET', `/api/v1/deliveries/${delivery.id}`)).status, 200);
});
later('N14', 'the database\'s own row-level security needs PostgreSQL');
requirement('N15', 'five attempts by default, the second a minute after the first', async () => {
  const one = user();
  await one.webhook();
  here.receiver.on(one.where, 500);
  const row = await here.delivery(await one.deliver(), (delivery) => delivery.status === 'retrying');
  const { attempt_log: [attempt] } = await here.ok('GET', `/api/v1/deliveries/${row.id}`);
  const wait = Date.parse(row.next_retry_at) - Date.parse(attempt.started_at);

  assert.equal(row.max_attempts, 5);
  assert.ok(wait >= 60_000 && wait < 65_000, `${wait}`);
});
requirement('N15', '0, 1 m, 5 m, 30 m, 2 h, and 8 h for the sixth and later (simulated clock)', async () => {
  assert.ok(await simulated('Schedules.Nuke*'));
});
requirement('N16', 'a disabled endpoint\'s pending deliveries end failed', async () => {
  const one = user();
  const webhook = await one.webhook();
  here.receiver.on(one.where, 500);
  const event = await one.deliver();
  await here.delivery(event, (delivery) => delivery.status === 'retrying');
  await one.ok('PATCH', `/webhooks/${webhook.id}`, { active: false });
  const ended = await here.delivery(event, (delivery) => delivery.status === 'failed');
  assert.equal(ended.error_kind, 'webhook_disabled');
});
requirement('N17', 'with a user id only that user\'s endpoints get it, once for one event id', async () => {
  const [one, other] = [user(), user()];
  await one.webhook();
  await other.webhook();
  const first = await one.deliver({ event_id: 'order-17' });
  const again = await one.deliver({ event_id: 'order-17' });
  await here.receiver.waitFor(one.where);

  assert.equal(again.id, first.id);
  assert.equal(again.duplicate, true);
  assert.equal(here.receiver.requests(one.where).length, 1);
  assert.equal(here.receiver.requests(other.where).length, 0);
});
requirement('N17', 'without one every user\'s matching endpoints get it, and only the service may', async () => {
  const [one, two, other] = [user(), user(), user()];
  await one.webhook({ events: ['import.completed'] });
  await two.webhook({ events: ['import.completed'] });
  await other.webhook({ events: ['vehicle.created'] });
  const body = { action: 'deliver', event_type: 'import.completed', data: { rows: 3 }, event_id: here.fresh('import') };
  const sent = await service.ok('POST', '/functions/v1/webhooks-deliver', body);
  const again = await service.ok('POST', '/functions/v1/webhooks-deliver', body);
  await here.receiver.waitFor(one.where);
  await here.receiver.waitFor(two.where);

  assert.ok(sent.id);
  assert.equal(again.duplicate, true);
  assert.equal(here.receiver.requests(one.where).length, 1);
  assert.equal(here.receiver.requests(two.where).length, 1);
  assert.equal(here.receiver.requests(other.where).length, 0);
});
requirement('N18', 'the body has type and data', async () => {
  const one = user();
  await one.webhook();
  await one.deliver({ data: { vehicle_id: 'v-18', tags: ['a'] } });
  const [{ json }] = await here.receiver.waitFor(one.where);
  assert.equal(json.type, 'vehicle.created');
  assert.deepEqual(json.data, { vehicle_id: 'v-18', tags: ['a'] });
});
requirement('N19', 'a retry comes by itself, without their cron job', async () => {
  const one = user();
  await one.webhook({ retry_policy: { schedule: ['1s'], attempts: 2 } });
  here.receiver.on(one.where, [500, 200]);
  await here.delivery(await one.deliver(), (delivery) => delivery.status === 'success');
  assert.equal(here.receiver.requests(one.where).length, 2);
});
later('N20', 'the written guides and snippets');
requirement('N21', 'the delivery success rate, for an endpoint and for a user', async () => {
  const one = user();
  const webhook = await one.webhook({ retry_count: 0 });
  here.receiver.on(one.where, [200, 500]);
  await here.delivery(await one.deliver(), (delivery) => delivery.status === 'success');
  await here.delivery(await one.deliver(), (delivery) => delivery.status === 'failed');
  for (const where of [`/webhooks/${webhook.id}/stats`, '/api/v1/stats']) {
    const stats = await eventually(async () => {
      const row = await one.ok('GET', `${where}?window=1h`);
      return row.total === 2 ? row : undefined;
    });
    assert.equal(stats.successful, 1, where);
    assert.equal(stats.failed, 1, where);
  }
});
later('N21', 'alerts above 50 % and the dashboard');
requirement('N22', 'an endpoint that keeps failing is disabled after the failures it allows', async () => {
  const one = user();
  const webhook = await one.webhook({ retry_count: 0, failure_threshold: 2 });
  here.receiver.on(one.where, 500);
  await one.deliver();
  await one.deliver();
  const disabled = await eventually(async () => {
    const row = await one.ok('GET', `/webhooks/${webhook.id}`);
    return row.active === false ? row : undefined;
  });
  assert.equal(disabled.disabled_reason, 'failures');
});
later('N22', 'rate limits and backing off');
requirement('N23', 'their paths work as written, with their cron line', async () => {
  const one = user();
  const manage = '/functions/v1/webhooks-manage';
  const token = userToken(one.name);
  const bearer = ['-H', `Authorization: Bearer ${token}`];
  const json = ['-H', 'Content-Type: application/json'];
  const made = await here.curl('-X', 'POST', here.url(manage), ...bearer, ...json,
    '-d', JSON.stringify({ url: here.receiver.url(one.where), events: ['vehicle.created'] }));
  const list = await here.curl(here.url(manage), ...bearer);
  const shown = await here.curl(here.url(`${manage}/${made.json.id}`), ...bearer);
  const changed = await here.curl('-X', 'PATCH', here.url(`${manage}/${made.json.id}`), ...bearer, ...json, '-d', '{"active":true}');
  const rotated = await here.curl('-X', 'POST', here.url(`${manage}/${made.json.id}/rotate-secret`), ...bearer);
  // No content type is given, so curl sends a form's.
  const cron = await here.curl('-X', 'POST', here.url('/functions/v1/webhooks-deliver'),
    '-H', `Authorization: Bearer ${here.server.adminKey}`, '-d', '{"action": "retry"}');
  const gone = await here.curl('-X', 'DELETE', here.url(`${manage}/${made.json.id}`), ...bearer);

  assert.equal(made.status, 201, made.text);
  assert.equal(made.json.user_id, one.name);
  assert.deepEqual(list.json.data.map((row) => row.id), [made.json.id]);
  assert.equal(shown.json.id, made.json.id);
  assert.equal(changed.status, 200);
  assert.match(rotated.json.secret, /^whsec_[0-9a-f]{64}$/);
  assert.ok(cron.status >= 200 && cron.status < 300, `${cron.status} ${cron.text}`);
  assert.equal(gone.status, 204);
});
requirement('N23', 'a forged, expired or other-keyed token is refused', async () => {
  const one = user();
  await one.webhook();
  const claims = { sub: one.name, role: 'authenticated', iat: now() - 7200, exp: now() - 3600 };
  const none = `${part({ alg: 'none', typ: 'JWT' })}.${part({ ...claims, exp: now() + 60 })}.`;
  for (const token of [jwt(claims), jwt({ ...claims, exp: now() + 60 }, 'x'.repeat(64)), none]) {
    assert.equal((await here.as(token).call('GET', '/webhooks')).status, 401);
  }
});
