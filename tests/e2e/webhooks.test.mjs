// What happens to webhooks and their deliveries: pause, resume, disable, delete, rotate, retry, cancel, 410, Retry-After.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';

import { eventually } from '../support/server.mjs';
import { deliveryOf, freshPath, world } from './world.mjs';

const here = world();

function signedWith(request, secret) {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const content = `${request.headers['webhook-id']}.${request.headers['webhook-timestamp']}.${request.text}`;
  const signature = `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
  return request.headers['webhook-signature'].split(' ').includes(signature);
}

test('a published event arrives signed, and its delivery shows what was sent', async () => {
  const tenant = await here.tenant();
  const path = freshPath();
  const webhook = await tenant.webhook(path, { headers: { 'X-Api-Key': 'hunter2hunter2' } });
  const event = await tenant.publish({ data: { text: 'ü', list: [1, 2] } });
  const [request] = await here.receiver.waitFor(path);

  assert.ok(signedWith(request, webhook.secret));
  assert.equal(request.headers['x-api-key'], 'hunter2hunter2');
  assert.deepEqual(request.json.data, { text: 'ü', list: [1, 2] });
  const delivery = await deliveryOf(tenant, event, (one) => one.status === 'success');
  assert.equal(request.headers['webhook-id'], delivery.id);
  const detail = await tenant.ok('GET', `/deliveries/${delivery.id}`);
  assert.equal(detail.attempt_log.length, 1);
  const [attempt] = detail.attempt_log;
  assert.equal(attempt.request.body, request.text);
  assert.equal(attempt.request.headers['webhook-signature'], request.headers['webhook-signature']);
  assert.equal(attempt.request.headers['X-Api-Key'], '***');
  assert.equal(attempt.response.status, 200);
  assert.ok(!JSON.stringify(detail).includes('hunter2'));
  const shown = await tenant.ok('GET', `/webhooks/${webhook.id}`);
  assert.equal(shown.secret, undefined);
  assert.equal(shown.recent_deliveries[0].id, delivery.id);
});

test('a paused webhook keeps its deliveries and sends them when it is resumed', async () => {
  const tenant = await here.tenant();
  const path = freshPath();
  const webhook = await tenant.webhook(path);
  assert.equal((await tenant.ok('POST', `/webhooks/${webhook.id}/pause`)).status, 'paused');
  const event = await tenant.publish();
  const delivery = await deliveryOf(tenant, event);
  assert.equal(delivery.status, 'pending');
  assert.equal(here.receiver.requests(path).length, 0);

  await tenant.ok('POST', `/webhooks/${webhook.id}/resume`);

  await here.receiver.waitFor(path);
  await deliveryOf(tenant, event, (one) => one.status === 'success');
});

test('disabling ends open deliveries as failed, and events that arrive then are skipped', async () => {
  const tenant = await here.tenant();
  const path = freshPath();
  const webhook = await tenant.webhook(path);
  await tenant.ok('POST', `/webhooks/${webhook.id}/pause`);
  const open = await tenant.publish();
  const disabled = await tenant.ok('PATCH', `/webhooks/${webhook.id}`, { active: false });
  assert.equal(disabled.status, 'disabled');
  assert.equal(disabled.disabled_reason, 'manual');
  const ended = await deliveryOf(tenant, open, (one) => one.status === 'failed');
  assert.equal(ended.error_kind, 'webhook_disabled');
  const later = await tenant.publish();
  assert.equal((await deliveryOf(tenant, later)).status, 'skipped');
  assert.equal((await tenant.call('POST', `/webhooks/${webhook.id}/resume`)).status, 409);
  assert.equal((await tenant.ok('POST', `/webhooks/${webhook.id}/enable`)).status, 'active');
  await tenant.publish();
  await here.receiver.waitFor(path);
  assert.equal(here.receiver.requests(path).length, 1);
});

test('deleting cancels open deliveries and keeps the history', async () => {
  const tenant = await here.tenant();
  const path = freshPath();
  const webhook = await tenant.webhook(path);
  await tenant.ok('POST', `/webhooks/${webhook.id}/pause`);
  const event = await tenant.publish();
  assert.equal((await tenant.call('DELETE', `/webhooks/${webhook.id}`)).status, 204);
  await deliveryOf(tenant, event, (one) => one.status === 'cancelled');
  assert.equal((await tenant.call('GET', `/webhooks/${webhook.id}`)).status, 404);
  assert.equal(here.receiver.requests(path).length, 0);
});

test('410 disables the webhook', async () => {
  const tenant = await here.tenant();
  const path = freshPath();
  here.receiver.on(path, 410);
  const webhook = await tenant.webhook(path);
  const event = await tenant.publish();
  const delivery = await deliveryOf(tenant, event, (one) => one.status === 'failed');
  assert.equal(delivery.error_kind, 'gone');
  await eventually(async () => {
    const shown = await tenant.ok('GET', `/webhooks/${webhook.id}`);
    return shown.status === 'disabled' && shown.disabled_reason === 'gone';
  });
});

test('Retry-After lengthens the wait', async () => {
  const tenant = await here.tenant();
  const path = freshPath();
  here.receiver.on(path, [{ status: 503, headers: { 'retry-after': '2' } }, 200]);
  await tenant.webhook(path, { retry_policy: { schedule: ['100ms'] } });
  await tenant.publish();
  const [first, second] = await here.receiver.waitFor(path, 2);
  assert.ok(second.receivedAt - first.receivedAt >= 1900, `${second.receivedAt - first.receivedAt} ms`);
  assert.equal(first.headers['webhook-id'], second.headers['webhook-id']);
  assert.equal(first.text, second.text);
});

test('attempts are used up, and a retry starts the next run', async () => {
  const tenant = await here.tenant();
  const path = freshPath();
  here.receiver.on(path, [500, 500, 200]);
  await tenant.webhook(path, { retry_policy: { schedule: ['50ms'], attempts: 2 } });
  const event = await tenant.publish();
  const failed = await deliveryOf(tenant, event, (one) => one.status === 'failed');
  assert.equal(failed.attempts, 2);
  assert.equal(failed.response_status, 500);
  const retried = await tenant.ok('POST', `/deliveries/${failed.id}/retry`);
  assert.equal(retried.run, 2);
  const done = await deliveryOf(tenant, event, (one) => one.status === 'success');
  assert.equal(done.id, failed.id);
  const detail = await tenant.ok('GET', `/deliveries/${failed.id}`);
  assert.deepEqual(detail.attempt_log.map((attempt) => [attempt.run, attempt.number]), [[1, 1], [1, 2], [2, 1]]);
  assert.ok(detail.attempt_log[0].diagnosis);
});

test('cancelling ends a delivery that waits, and only one that waits', async () => {
  const tenant = await here.tenant();
  const path = freshPath();
  here.receiver.on(path, 500);
  await tenant.webhook(path, { retry_policy: { schedule: ['1h'] } });
  const event = await tenant.publish();
  const waiting = await deliveryOf(tenant, event, (one) => one.status === 'retrying');
  assert.ok(waiting.next_retry_at);
  assert.equal((await tenant.ok('POST', `/deliveries/${waiting.id}/cancel`)).status, 'cancelled');
  assert.equal((await deliveryOf(tenant, event)).status, 'cancelled');
  assert.equal((await tenant.call('POST', `/deliveries/${waiting.id}/cancel`)).status, 409);
});

test('a rotated secret and the one before it both sign until the overlap ends', async () => {
  const tenant = await here.tenant();
  const path = freshPath();
  const webhook = await tenant.webhook(path);
  const rotated = await tenant.ok('POST', `/webhooks/${webhook.id}/rotate-secret`, { overlap_seconds: 600 });
  assert.notEqual(rotated.secret, webhook.secret);
  assert.ok(Date.parse(rotated.previous_expires_at) > Date.now());
  await tenant.publish();
  const [both] = await here.receiver.waitFor(path, 1);
  assert.ok(signedWith(both, webhook.secret) && signedWith(both, rotated.secret));
  const last = await tenant.ok('POST', `/webhooks/${webhook.id}/rotate-secret`, { overlap_seconds: 0 });
  assert.equal(last.previous_expires_at, null);
  await tenant.publish();
  const [, one] = await here.receiver.waitFor(path, 2);
  assert.ok(signedWith(one, last.secret));
  assert.ok(!signedWith(one, webhook.secret) && !signedWith(one, rotated.secret));
});

// RFC 6761 6.5: no name below .example exists. Without a name server that answers, nobody knows that in time.
test('a name that does not resolve is saved with a warning, and an address without a look-up', async () => {
  const tenant = await here.tenant();
  const body = { url: 'https://does-not-exist.example/hook', events: ['*'] };
  const send = () => tenant.call('POST', '/webhooks', body, { 'Idempotency-Key': 'unresolved' });
  const started = performance.now();
  const created = await send();
  const took = performance.now() - started;
  assert.equal(created.status, 201, created.text);
  assert.equal(created.json.warnings.length, 1);
  assert.match(created.json.warnings[0],
    /"does-not-exist\.example" was looked up (and does not resolve: |without an answer within 1s, )/);
  assert.ok(took < 3000, `${took} ms`);
  assert.equal((await send()).text, created.text);
  const where = `/webhooks/${created.json.id}`;
  assert.equal((await tenant.ok('GET', where)).warnings, undefined);

  const moved = await tenant.ok('PATCH', where, { url: here.receiver.url(freshPath()) });
  assert.equal(moved.warnings, undefined);
  const back = await tenant.ok('PATCH', where, { url: body.url });
  assert.equal(back.warnings.length, 1);
});

test('If-Match guards a change and what was read may be sent back', async () => {
  const tenant = await here.tenant();
  const webhook = await tenant.webhook(freshPath(), { headers: { Authorization: 'Bearer 0123456789abcdefghijk' } });
  const read = await tenant.call('GET', `/webhooks/${webhook.id}`);
  assert.equal(read.headers.etag, '"1"');
  const change = { ...read.json, name: 'renamed' };
  const put = await tenant.call('PUT', `/webhooks/${webhook.id}`, change, { 'If-Match': '"1"' });
  assert.equal(put.status, 200, put.text);
  assert.equal(put.headers.etag, '"2"');
  assert.equal(put.json.name, 'renamed');
  const late = await tenant.call('PATCH', `/webhooks/${webhook.id}`, { name: 'x' }, { 'If-Match': '"1"' });
  assert.equal(late.status, 412);
});

test('30 changes at once without If-Match all happen', async () => {
  const tenant = await here.tenant();
  const webhook = await tenant.webhook(freshPath());
  const answers = await Promise.all(Array.from({ length: 30 }, (_, i) =>
    tenant.call('PATCH', `/webhooks/${webhook.id}`, { metadata: { [`k${i}`]: 'v' } })));
  assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([200]));
  const { metadata } = await tenant.ok('GET', `/webhooks/${webhook.id}`);
  assert.equal(Object.keys(metadata).length, 30);
});

test('a test answers with the attempt whatever the status of the webhook', async () => {
  const tenant = await here.tenant();
  const path = freshPath();
  here.receiver.on(path, { status: 418, body: 'teapot' });
  const webhook = await tenant.webhook(path);
  await tenant.ok('POST', `/webhooks/${webhook.id}/disable`);
  const result = await tenant.ok('POST', '/webhooks/test', { webhook_id: webhook.id, event_type: 'invoice.paid' });
  assert.equal(result.success, false);
  assert.equal(result.response_status, 418);
  assert.equal(result.response_body, 'teapot');
  const [request] = here.receiver.requests(path);
  assert.equal(result.request.body, request.text);
  assert.deepEqual(request.json.data, { of: 'invoice.paid' });
});

test('a trace says of each webhook whether it got the event', async () => {
  const tenant = await here.tenant();
  const sent = await tenant.webhook(freshPath());
  const other = await tenant.webhook(freshPath(), { events: ['invoice.paid'] });
  const unnamed = await tenant.webhook(freshPath());
  const event = await tenant.publish({ webhook_ids: [sent.id, other.id] });
  const trace = await tenant.ok('GET', `/events/${event.id}/trace`);
  const reason = new Map(trace.webhooks.map((line) => [line.webhook_id, line.reason ?? line.decision]));
  assert.equal(reason.get(sent.id), 'sent');
  assert.equal(reason.get(other.id), 'not_subscribed');
  assert.equal(reason.get(unnamed.id), 'not_selected');
});

test('deliveries are filtered', async () => {
  const tenant = await here.tenant();
  const good = freshPath();
  const bad = freshPath();
  here.receiver.on(bad, 500);
  const fine = await tenant.webhook(good);
  const broken = await tenant.webhook(bad, { retry_count: 0 });
  await tenant.publish();
  const count = async (query) => (await tenant.ok('GET', `/deliveries?${query}`)).data.length;
  await eventually(async () => (await count('status=success')) === 1 && (await count('status=failed')) === 1);
  assert.equal(await count('code=500'), 1);
  assert.equal(await count(`webhook_id=${fine.id}`), 1);
  assert.equal(await count('event_type=user.deleted'), 0);
  assert.equal((await tenant.ok('GET', `/webhooks/${broken.id}/deliveries?status=failed`)).data.length, 1);
  assert.equal(await count('until=2020-01-01T00:00:00Z'), 0);
});
