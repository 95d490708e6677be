// The same request many times is one operation: by event_id, and by Idempotency-Key.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { eventually } from '../support/server.mjs';
import { freshPath, world } from './world.mjs';

const here = world();
const event = { event_type: 'user.created', data: { n: 1 } };
const fifty = (send) => Promise.all(Array.from({ length: 50 }, send));

test('50 equal events at once under one event_id are one event', async () => {
  const tenant = await here.tenant();
  const path = freshPath();
  await tenant.webhook(path);

  const answers = await fifty(() => tenant.call('POST', '/events', { ...event, event_id: 'order-17' }));

  assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([202, 200]));
  assert.equal(answers.filter((answer) => answer.status === 202).length, 1);
  assert.equal(new Set(answers.map((answer) => answer.json.id)).size, 1);
  assert.equal((await tenant.ok('GET', '/events')).data.length, 1);
  await here.receiver.waitFor(path);
  assert.equal(here.receiver.requests(path).length, 1);
});

test('the same event_id with another body is a conflict', async () => {
  const tenant = await here.tenant();
  await tenant.publish({ event_id: 'a' });
  for (const other of [{ data: { n: 2 } }, { max_attempts: 2 }]) {
    const answer = await tenant.call('POST', '/events', { ...event, ...other, event_id: 'a' });
    assert.equal(answer.status, 409, answer.text);
    assert.equal(answer.json.code, 'event_id_conflict');
  }
});

test('50 equal requests at once under one Idempotency-Key are one event', async () => {
  const tenant = await here.tenant();
  const send = () => tenant.call('POST', '/events', event, { 'Idempotency-Key': 'k-1' });

  const answers = await fifty(send);

  for (const answer of answers) {
    assert.ok([202, 409].includes(answer.status), answer.text);
    if (answer.status === 409) assert.equal(answer.headers['retry-after'], '1');
  }
  const done = answers.filter((answer) => answer.status === 202);
  assert.ok(done.length >= 1);
  assert.equal(done.filter((answer) => !answer.headers['idempotency-replayed']).length, 1);
  const again = await send();
  assert.equal(again.headers['idempotency-replayed'], 'true');
  assert.equal(again.text, done[0].text);
  assert.equal((await tenant.ok('GET', '/events')).data.length, 1);
});

test('a key used for another body is refused, and a refused request leaves its key free', async () => {
  const tenant = await here.tenant();
  const send = (body, key) => tenant.call('POST', '/events', body, { 'Idempotency-Key': key });
  assert.equal((await send(event, 'k')).status, 202);
  const other = await send({ ...event, data: 2 }, 'k');
  assert.equal(other.status, 422);
  assert.equal(other.json.code, 'idempotency_key_reused');
  assert.equal((await send({}, 'free')).status, 422);
  assert.equal((await send(event, 'free')).status, 202);
  assert.equal((await send(event, 'x'.repeat(256))).status, 422);
});

test('a created webhook is replayed with its secret', async () => {
  const tenant = await here.tenant();
  const body = { url: 'https://example.com/', events: ['*'] };
  const send = () => tenant.call('POST', '/webhooks', body, { 'Idempotency-Key': 'w' });
  const first = await send();
  const second = await send();
  assert.equal(first.status, 201, first.text);
  assert.equal(second.text, first.text);
  assert.match(second.json.secret, /^whsec_/);
  assert.equal(second.headers.location, `/api/v1/webhooks/${first.json.id}`);
  for (const name of ['etag', 'location']) assert.equal(second.headers[name], first.headers[name]);
  assert.equal((await tenant.ok('GET', '/webhooks')).data.length, 1);
});

test('a test under one key is sent once', async () => {
  const tenant = await here.tenant();
  const path = freshPath();
  const webhook = await tenant.webhook(path);
  const send = () => tenant.call('POST', `/webhooks/${webhook.id}/test`, {}, { 'Idempotency-Key': 't' });
  const first = await send();
  const second = await send();
  assert.equal(first.status, 200, first.text);
  assert.equal(second.text, first.text);
  assert.equal(here.receiver.requests(path).length, 1);
});

test('a batch stores the valid ones and says why for the rest', async () => {
  const tenant = await here.tenant();
  const { data } = await tenant.ok('POST', '/events/batch', {
    events: [{ ...event, event_id: 'b1' }, { event_type: 'nope', data: 1 }, { ...event, event_id: 'b1' }, 7],
  });
  assert.deepEqual(data.map((item) => item.status), [202, 422, 200, 400]);
  assert.equal(data[2].id, data[0].id);
  assert.equal(data[1].problem.errors[0].code, 'unknown_event_type');
  await eventually(async () => (await tenant.ok('GET', '/events')).data.length === 1);
});
