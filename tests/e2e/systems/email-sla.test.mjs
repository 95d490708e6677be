// The e-mail service-level dashboard: subscriptions at /api/webhooks/subscribe, a hex signature, three quick retries.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import http from 'node:http';
import path from 'node:path';

import { api, apiOk, eventually, fanfareBinary, startReceiver, temporaryDirectory, within } from '../../support/server.mjs';
import { hexHmac, system, verifies } from './system.mjs';

const here = system('email-sla');
const { requirement, later } = here;
const subscribe = '/api/webhooks/subscribe';

async function subscribed(more = {}) {
  const user = here.fresh('user');
  const where = `/${user}`;
  const webhook = await here.ok('POST', subscribe,
    { url: here.receiver.url(where), events: ['*'], user_id: user, ...more });
  const tell = (event = 'sla.breached', data = { ticket: 'T-1' }) => here.publish({ event, data, user_id: user });
  return { user, where, webhook, tell };
}
const shown = (webhook) => here.ok('GET', `/api/v1/webhooks/${webhook.id}`);

requirement('E1', 'a webhook has their fields and defaults, and goes with its user', async () => {
  const one = await subscribed({ headers: { 'X-Team': 'blue' } });
  here.receiver.on(one.where, 410);
  const before = await shown(one.webhook);
  await one.tell();
  const after = await eventually(async () => {
    const now = await shown(one.webhook);
    return now.last_error ? now : undefined;
  });
  await here.ok('DELETE', `/api/v1/tenants/${one.user}`);

  assert.equal(before.user_id, one.user);
  assert.equal(before.active, true);
  assert.equal(before.retry_count, 3);
  assert.deepEqual(Object.keys(before.headers), ['X-Team']);
  assert.equal(before.last_triggered_at, null);
  assert.match(before.created_at, /Z$/);
  assert.match(before.updated_at, /Z$/);
  assert.match(after.last_triggered_at, /Z$/);
  assert.equal(after.last_status, 'failed');
  assert.equal((await here.call('GET', `/api/v1/webhooks/${one.webhook.id}`)).status, 404);
});

requirement('E2', 'the log has what was sent, what came back and when; purge takes it away', async () => {
  const one = await subscribed();
  here.receiver.on(one.where, { status: 200, body: 'noted' });
  const event = await one.tell('alert.created', { alert: 'A-7' });
  const done = await here.delivery(event, (delivery) => delivery.status === 'success');
  const [request] = await here.receiver.waitFor(one.where);
  const { data: [log] } = await here.ok('GET', `/api/v1/webhooks/${one.webhook.id}/logs`);
  const purged = await here.call('DELETE', `/api/v1/webhooks/${one.webhook.id}?purge=true`);

  assert.equal(done.event_type, 'alert.created');
  assert.equal(done.attempts, 1);
  assert.match(done.completed_at, /Z$/);
  assert.match(done.created_at, /Z$/);
  assert.equal(log.request.body, request.text);
  assert.equal(log.response.status, 200);
  assert.equal(log.response.body, 'noted');
  assert.equal(purged.status, 204);
  await eventually(async () => (await here.call('GET', `/api/v1/deliveries/${done.id}`)).status === 404);
});

requirement('E3', 'their curl line subscribes', async () => {
  const user = here.fresh('user');
  const { status, json } = await here.curl('-X', 'POST', here.url(subscribe), '-H', 'Content-Type: application/json',
    '-H', `Authorization: Bearer ${here.server.adminKey}`, '-d', JSON.stringify({
      url: 'https://example.com/webhook', events: ['email.received', 'sla.breached'],
      headers: { 'X-Custom-Header': 'value' }, user_id: user,
    }));

  assert.equal(status, 201);
  assert.deepEqual(json.events, ['email.received', 'sla.breached']);
  assert.ok(json.secret.length >= 16);
});

requirement('E4', 'GET lists the user\'s own', async () => {
  const one = await subscribed();
  const key = await here.keyOf(one.user);
  const list = await here.as(key).ok('GET', subscribe);

  assert.deepEqual(list.data.map((webhook) => webhook.id), [one.webhook.id]);
  assert.equal(list.data[0].secret, undefined);
});

requirement('E5', 'DELETE takes the id from the query', async () => {
  const one = await subscribed();
  const { status } = await here.curl('-X', 'DELETE', here.url(`${subscribe}?id=${one.webhook.id}`),
    '-H', `Authorization: Bearer ${here.server.adminKey}`);
  const without = await here.call('DELETE', subscribe);

  assert.equal(status, 204);
  assert.equal((await here.call('GET', `/api/v1/webhooks/${one.webhook.id}`)).status, 404);
  assert.ok([404, 405, 422].includes(without.status), `${without.status}`);
});

requirement('E6', 'custom headers go with every delivery', async () => {
  const one = await subscribed({ headers: { 'X-Custom-Header': 'value' } });
  await one.tell();
  await one.tell();
  for (const request of await here.receiver.waitFor(one.where, 2)) {
    assert.equal(request.headers['x-custom-header'], 'value');
  }
});

const nodeCode = `
const { createHmac, timingSafeEqual } = require('node:crypto');
const [secret, body, given] = process.argv.slice(1);
const expected = createHmac('sha256', secret).update(body).digest('hex');
console.log(timingSafeEqual(Buffer.from(expected), Buffer.from(given)) ? 'ok' : 'bad');
`;
requirement('E7', 'a receiver in Node.js verifies X-Webhook-Signature', async () => {
  const one = await subscribed();
  await one.tell();
  const [request] = await here.receiver.waitFor(one.where);
  const signature = request.headers['x-webhook-signature'];

  assert.ok(verifies('node', nodeCode, one.webhook.secret, request.text, signature));
  assert.ok(!verifies('node', nodeCode, one.webhook.secret, `${request.text} `, signature));
});

requirement('E8', 'a failed delivery is tried after 2 s, 4 s, 8 s, and every attempt is logged', async () => {
  const one = await subscribed();
  here.receiver.on(one.where, 500);
  const event = await one.tell();
  const requests = await here.receiver.waitFor(one.where, 4, 40_000);
  const ended = await here.delivery(event, (delivery) => delivery.status === 'failed');
  const { attempt_log: attempts } = await here.ok('GET', `/api/v1/deliveries/${ended.id}`);

  const gaps = requests.slice(1).map((request, i) => request.receivedAt - requests[i].receivedAt);
  gaps.forEach((gap, i) => assert.ok(gap >= [2000, 4000, 8000][i] - 20, `retry ${i + 1} came after ${gap} ms`));
  assert.equal(ended.attempts, 4);
  assert.deepEqual(attempts.map((attempt) => attempt.number), [1, 2, 3, 4]);
  assert.ok(attempts.every((attempt) => attempt.response.status === 500));
});

requirement('E9', 'the body has event and data', async () => {
  const one = await subscribed();
  await one.tell('email.assigned', { email: 'm-1', to: 'ann' });
  const [{ json: { event, data } }] = await here.receiver.waitFor(one.where);

  assert.equal(event, 'email.assigned');
  assert.deepEqual(data, { email: 'm-1', to: 'ann' });
});

requirement('E10', 'all nine events are known, with description and sample, and no other', async () => {
  const { data } = await here.ok('GET', '/api/v1/event-types?limit=250');
  const unknown = await here.call('POST', subscribe,
    { url: here.receiver.url('/e10'), events: ['email.recieved'], user_id: here.fresh('user') });

  assert.deepEqual(data.map((type) => type.name).sort(), [
    'alert.created', 'email.assigned', 'email.received', 'email.replied', 'email.resolved', 'sla.breached',
    'sla.warning', 'team.member.added', 'team.performance.updated']);
  for (const type of data) {
    assert.ok(type.description.length > 10 && type.category.length > 0, type.name);
    assert.ok(Object.keys(type.sample).length >= 3, type.name);
  }
  assert.equal(unknown.status, 422);
  assert.match(unknown.text, /email\.received/);
});

requirement('E11', 'a receiver posts sla.breached on to a Slack-style hook', async (t) => {
  const slack = await startReceiver();
  const relay = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    if (request.headers['x-webhook-signature'] !== hexHmac(relay.secret, text)) {
      response.writeHead(401).end();
      return;
    }
    const { event, data } = JSON.parse(text);
    const body = JSON.stringify({ channel: '#sla', text: `${event}: ${data.ticket_id}` });
    await fetch(slack.url('/services/hook'), { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    response.writeHead(200).end();
  });
  await new Promise((resolve) => { relay.listen(0, '127.0.0.1', resolve); });
  t.after(async () => { relay.closeAllConnections(); relay.close(); await slack.close(); });
  const one = await subscribed({ url: `http://127.0.0.1:${relay.address().port}/relay`, events: ['sla.breached'] });
  relay.secret = one.webhook.secret;

  const event = await one.tell('sla.breached', { ticket_id: 'T-4711' });

  const [message] = await slack.waitFor('/services/hook');
  assert.deepEqual(message.json, { channel: '#sla', text: 'sla.breached: T-4711' });
  await here.delivery(event, (delivery) => delivery.status === 'success');
});
later('E11', 'a transformation on the webhook can do the same without a receiver');

requirement('E12', 'a catch hook that knows nothing of signatures takes the event', async () => {
  const caught = [];
  const one = await subscribed({ events: ['email.received'] });
  here.receiver.on(one.where, (request) => {
    caught.push({ ...request.json.data, type: request.json.event });
    return { status: 200, headers: { 'content-type': 'application/json' }, body: '{"status":"success"}' };
  });
  await here.delivery(await one.tell('email.received', { email_id: 'm-1' }), (delivery) => delivery.status === 'success');

  assert.deepEqual(caught, [{ email_id: 'm-1', type: 'email.received' }]);
});

requirement('E13', 'a dashboard lives on the events: what it shows follows them, each counted once', async () => {
  const board = { open: new Set(), breached: 0, seen: new Set() };
  const one = await subscribed();
  here.receiver.on(one.where, ({ headers, json: { event, data } }) => {
    if (board.seen.has(headers['webhook-id'] ?? data.email_id + event)) return { status: 200 };
    board.seen.add(headers['webhook-id'] ?? data.email_id + event);
    if (event === 'email.received') board.open.add(data.email_id);
    if (event === 'email.resolved') board.open.delete(data.email_id);
    if (event === 'sla.breached') board.breached += 1;
    return { status: 200 };
  });
  for (const [event, id] of [['email.received', 'a'], ['email.received', 'b'], ['sla.breached', 'b']]) {
    await here.delivery(await one.tell(event, { email_id: id }), (delivery) => delivery.status === 'success');
  }
  assert.deepEqual([[...board.open].sort(), board.breached], [['a', 'b'], 1]);
  await here.delivery(await one.tell('email.resolved', { email_id: 'a' }), (delivery) => delivery.status === 'success');
  assert.deepEqual([...board.open], ['b']);
});

requirement('E14', 'the answer of a test shows the request as it was sent and what came back', async () => {
  const one = await subscribed();
  here.receiver.on(one.where, { status: 200, body: 'seen' });
  const result = await here.ok('POST', `/api/v1/webhooks/${one.webhook.id}/test`, { event_type: 'sla.warning' });
  const [request] = await here.receiver.waitFor(one.where);

  assert.equal(result.success, true);
  assert.equal(result.response_body, 'seen');
  assert.equal(result.request.body, request.text);
  assert.equal(result.request.headers['X-Webhook-Signature'], request.headers['x-webhook-signature']);
});

requirement('E14', 'the inbox of `fanfare dev` shows what arrives, without any outside service', async (t) => {
  const { directory, remove } = temporaryDirectory();
  const child = spawn(fanfareBinary(), ['dev', '--profile', 'email-sla', '--listen', '127.0.0.1:0',
    '--database', `sqlite:${path.join(directory, 'dev.db')}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { printed += chunk; });
  const exited = new Promise((resolve) => { child.once('close', resolve); });
  t.after(async () => { child.kill('SIGKILL'); await within(exited, 10_000, 'no exit'); remove(); });
  await eventually(() => /What the inbox receives/.test(printed), 20_000);
  const [, key] = /API key +(\w+)/.exec(printed);
  const [, url] = /listening on (http:\S+)/.exec(printed);
  const server = { url, adminKey: key };
  const { data } = await apiOk(server, 'GET', '/webhooks');
  const target = data.find((webhook) => /inbox\/works/.test(webhook.url));

  const answer = await api(server, 'POST', `/webhooks/${target.id}/test`, { body: { event_type: 'sla.breached' } });

  assert.equal(answer.status, 200, answer.text);
  await eventually(() => /inbox works +sla\.breached/.test(printed));
});
