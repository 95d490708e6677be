// Deliveries of the real server, verified by libraries that nobody here wrote. Each scheme is proven in
// both directions: what was sent is accepted, and a changed body, id, time or secret is refused, so
// that a verifier which accepts everything would fail here.
import assert from 'node:assert/strict';
import { createHmac, createPublicKey, randomBytes, verify as verifyBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { verify as verifyGithub } from '@octokit/webhooks-methods';
import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';

import { apiOk, startReceiver, startServer } from '../support/server.mjs';

const stranger = `whsec_${randomBytes(32).toString('base64')}`;
const eventType = 'invoice.paid';

let server;
let receiver;
let tenant;

before(async () => {
  receiver = await startReceiver();
  server = await startServer();
  tenant = (await apiOk(server, 'POST', '/tenants', { body: { name: 'Verifiers' } })).id;
  await apiOk(server, 'POST', '/event-types', { body: { name: eventType } });
});

after(async () => {
  await server?.stop();
  await receiver?.close();
});

let paths = 0;

/** A webhook with its own path at the receiver: `{id, secret, path, …}`. */
async function createWebhook(signature, more = {}) {
  paths += 1;
  const path = `/hook/${paths}`;
  const body = {
    tenant_id: tenant, url: receiver.url(path), events: [eventType], signature, ...more,
  };
  const webhook = await apiOk(server, 'POST', '/webhooks', { expected: 201, body });
  assert.ok(webhook.secret, 'a new webhook shows its secret');
  return { ...webhook, path };
}

/** Publishes for one webhook only and returns the next request that its receiver gets. */
async function deliver(webhook, data = { invoice: 17 }) {
  const seen = receiver.requests(webhook.path).length;
  await publish(webhook, JSON.stringify(data));
  return (await receiver.waitFor(webhook.path, seen + 1)).at(-1);
}

function publish(webhook, dataText) {
  const body = `{"tenant_id":"${tenant}","event_type":"${eventType}",`
    + `"webhook_ids":["${webhook.id}"],"data":${dataText}}`;
  return apiOk(server, 'POST', '/events', { expected: 202, body });
}

function rotate(webhook, body = {}) {
  return apiOk(server, 'POST', `/webhooks/${webhook.id}/rotate-secret`, { body });
}

const changed = (text) => text.replace('17', '18');
const seconds = () => Math.floor(Date.now() / 1000);

describe('standardwebhooks', () => {
  test('accepts a delivery and reads the published data from it', async () => {
    const webhook = await createWebhook('standard');

    const request = await deliver(webhook, { invoice: 17, customer: 'Žofie 🔐' });

    const parsed = new Webhook(webhook.secret).verify(request.text, request.headers);
    assert.deepEqual(parsed.data, { invoice: 17, customer: 'Žofie 🔐' });
    assert.equal(parsed.type, eventType);
    assert.match(webhook.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    assert.ok(Math.abs(seconds() - Number(request.headers['webhook-timestamp'])) < 60);
  });

  test('accepts a secret that the customer brought', async () => {
    const secret = `whsec_${randomBytes(24).toString('base64')}`;
    const webhook = await createWebhook('standard', { secret });

    const request = await deliver(webhook);

    new Webhook(secret).verify(request.text, request.headers);
  });

  test('refuses a changed body, id, time and signature, and another secret', async () => {
    const webhook = await createWebhook('standard');
    const { text, headers } = await deliver(webhook);
    const library = new Webhook(webhook.secret);
    const later = String(Number(headers['webhook-timestamp']) + 1);
    const refused = { name: 'WebhookVerificationError', message: /No matching signature/ };

    library.verify(text, headers);
    assert.throws(() => library.verify(changed(text), headers), refused);
    assert.throws(() => library.verify(`${text} `, headers), refused);
    assert.throws(() => library.verify(text, { ...headers, 'webhook-id': 'evt_other' }), refused);
    assert.throws(() => library.verify(text, { ...headers, 'webhook-timestamp': later }), refused);
    assert.throws(() => library.verify(text, { ...headers, 'webhook-signature': 'v1,' }), refused);
    assert.throws(() => new Webhook(stranger).verify(text, headers), refused);
  });

  test('accepts the published bytes as they were written, spaces and escapes included', async () => {
    const webhook = await createWebhook('standard');
    const dataText = '{ "amount" : 1.50,\t"name":"\\u00e9\\/", "big":12345678901234567890 }';

    await publish(webhook, dataText);

    const [request] = await receiver.waitFor(webhook.path);
    new Webhook(webhook.secret).verify(request.text, request.headers);
    assert.ok(request.text.includes(dataText), request.text);
  });

  test('accepts every attempt of a delivery, all under one id', async () => {
    const webhook = await createWebhook('standard', { retry_policy: { schedule: ['1s', '1s'] } });
    receiver.on(webhook.path, [500, 503, 200]);

    await publish(webhook, '{"invoice":17}');

    const attempts = await receiver.waitFor(webhook.path, 3);
    const library = new Webhook(webhook.secret);
    for (const attempt of attempts) library.verify(attempt.text, attempt.headers);
    assert.equal(new Set(attempts.map((a) => a.headers['webhook-id'])).size, 1);
    assert.equal(new Set(attempts.map((a) => a.text)).size, 1);
    assert.ok(new Set(attempts.map((a) => a.headers['webhook-timestamp'])).size > 1);
  });

  test('accepts the old and the new secret during a rotation', async () => {
    const webhook = await createWebhook('standard');
    const { secret, previous_expires_at: end } = await rotate(webhook, { overlap_seconds: 3600 });
    assert.notEqual(secret, webhook.secret);
    assert.ok(Math.abs(Date.parse(end) - Date.now() - 3_600_000) < 60_000, end);

    const { text, headers } = await deliver(webhook);

    new Webhook(secret).verify(text, headers);
    new Webhook(webhook.secret).verify(text, headers);
    assert.throws(() => new Webhook(stranger).verify(text, headers), /No matching signature/);
    assert.throws(() => new Webhook(webhook.secret).verify(changed(text), headers), /No matching/);
    const [first] = headers['webhook-signature'].split(' ');
    new Webhook(secret).verify(text, { ...headers, 'webhook-signature': first });
  });

  test('refuses the old secret after a rotation without overlap', async () => {
    const webhook = await createWebhook('standard');
    const { secret } = await rotate(webhook, { overlap_seconds: 0 });

    const { text, headers } = await deliver(webhook);

    new Webhook(secret).verify(text, headers);
    assert.throws(() => new Webhook(webhook.secret).verify(text, headers), /No matching signature/);
  });
});

describe('Ed25519 (v1a), verified by node:crypto', () => {
  // RFC 8410: the fixed head of a SubjectPublicKeyInfo that holds an Ed25519 key.
  const spkiHead = Buffer.from('302a300506032b6570032100', 'hex');

  function accepts(publicKey, { text, headers }) {
    assert.match(publicKey, /^whpk_[A-Za-z0-9+/]{43}=$/);
    const raw = Buffer.from(publicKey.slice('whpk_'.length), 'base64');
    const key = createPublicKey({
      key: Buffer.concat([spkiHead, raw]), format: 'der', type: 'spki',
    });
    const message = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`;
    return headers['webhook-signature'].split(' ')
      .filter((entry) => entry.startsWith('v1a,'))
      .some((entry) => {
        const signature = Buffer.from(entry.slice('v1a,'.length), 'base64');
        return verifyBytes(null, Buffer.from(message), key, signature);
      });
  }

  test('accepts a delivery with the public key alone, beside the shared secret', async () => {
    const webhook = await createWebhook({ scheme: 'standard', ed25519: true });
    const other = await createWebhook({ scheme: 'standard', ed25519: true });

    const request = await deliver(webhook);

    assert.ok(accepts(webhook.public_key, request));
    assert.ok(!accepts(webhook.public_key, { ...request, text: changed(request.text) }));
    assert.ok(!accepts(other.public_key, request));
    new Webhook(webhook.secret).verify(request.text, request.headers);
  });

  test('accepts the old and the new public key during a rotation', async () => {
    const webhook = await createWebhook({ scheme: 'standard', ed25519: true });
    await rotate(webhook, { overlap_seconds: 3600 });
    const renewed = await apiOk(server, 'GET', `/webhooks/${webhook.id}`);
    assert.notEqual(renewed.public_key, webhook.public_key);

    const request = await deliver(webhook);

    assert.ok(accepts(renewed.public_key, request));
    assert.ok(accepts(webhook.public_key, request));
  });

  test('is not sent unless it is asked for', async () => {
    const { headers } = await deliver(await createWebhook('standard'));

    assert.doesNotMatch(headers['webhook-signature'], /v1a,/);
  });
});

describe('stripe', () => {
  const { webhooks } = Stripe;
  const refused = { type: 'StripeSignatureVerificationError' };

  test('accepts a delivery with the whole text of the secret', async () => {
    const webhook = await createWebhook('stripe');

    const { body, headers } = await deliver(webhook, { invoice: 17 });

    const event = webhooks.constructEvent(body, headers['stripe-signature'], webhook.secret);
    assert.deepEqual(event.data, { invoice: 17 });
  });

  test('refuses a changed body, an old time and another secret', async () => {
    const webhook = await createWebhook('stripe');
    const { text, headers } = await deliver(webhook);
    const header = headers['stripe-signature'];
    const inSixMinutes = Date.now() + 360_000;
    const { secret } = webhook;

    webhooks.constructEvent(text, header, secret);
    assert.throws(() => webhooks.constructEvent(changed(text), header, secret), refused);
    assert.throws(() => webhooks.constructEvent(text, header, stranger), refused);
    assert.throws(
      () => webhooks.constructEvent(text, header, secret, 300, undefined, inSixMinutes), refused);
    assert.throws(
      () => webhooks.constructEvent(text, header.replace(/t=\d+/, `t=${seconds() - 9}`), secret),
      refused);
  });

  test('accepts the old and the new secret during a rotation', async () => {
    const webhook = await createWebhook('stripe');
    const { secret } = await rotate(webhook, { overlap_seconds: 3600 });

    const { text, headers } = await deliver(webhook);

    const header = headers['stripe-signature'];
    webhooks.constructEvent(text, header, secret);
    webhooks.constructEvent(text, header, webhook.secret);
    assert.throws(() => webhooks.constructEvent(text, header, stranger), refused);
    assert.throws(() => webhooks.constructEvent(changed(text), header, webhook.secret), refused);
  });

  test('refuses the old secret after a rotation without overlap', async () => {
    const webhook = await createWebhook('stripe');
    const { secret } = await rotate(webhook, { overlap_seconds: 0 });

    const { text, headers } = await deliver(webhook);

    webhooks.constructEvent(text, headers['stripe-signature'], secret);
    assert.throws(
      () => webhooks.constructEvent(text, headers['stripe-signature'], webhook.secret), refused);
  });

  test('accepts the header with a prefix, which holds one signature at a time', async () => {
    const webhook = await createWebhook({ scheme: 'stripe', header_prefix: 'Nuke' });
    const { secret } = await rotate(webhook, { overlap_seconds: 3600 });

    const { text, headers } = await deliver(webhook);

    const own = headers['nuke-signature'];
    const previous = headers['nuke-signature-previous'];
    webhooks.constructEvent(text, own, secret);
    webhooks.constructEvent(text, previous, webhook.secret);
    webhooks.constructEvent(text, headers['stripe-signature'], webhook.secret);
    assert.throws(() => webhooks.constructEvent(text, own, webhook.secret), refused);
    assert.match(own, /^t=\d+,v1=[0-9a-f]{64}$/);
    assert.equal(headers['nuke-timestamp'], /t=(\d+)/.exec(own)[1]);
  });
});

describe('@octokit/webhooks-methods', () => {
  test('accepts a delivery, and refuses a changed body and another secret', async () => {
    const secret = "It's a Secret to Everybody";
    const webhook = await createWebhook('github', { secret });

    const { text, headers } = await deliver(webhook);

    const header = headers['x-hub-signature-256'];
    assert.equal(await verifyGithub(secret, text, header), true);
    assert.equal(await verifyGithub(secret, changed(text), header), false);
    assert.equal(await verifyGithub(stranger, text, header), false);
    assert.equal(headers['x-hub-signature-256-previous'], undefined);
  });

  test('accepts the new secret, and the old one in its own header, during a rotation', async () => {
    const webhook = await createWebhook('github');
    const { secret } = await rotate(webhook, { overlap_seconds: 3600 });

    const { text, headers } = await deliver(webhook);

    const newest = headers['x-hub-signature-256'];
    const previous = headers['x-hub-signature-256-previous'];
    assert.equal(await verifyGithub(secret, text, newest), true);
    assert.equal(await verifyGithub(webhook.secret, text, previous), true);
    assert.equal(await verifyGithub(webhook.secret, text, newest), false);
  });
});

describe('hex, verified by node:crypto', () => {
  const hmac = (secret, body) => createHmac('sha256', secret).update(body).digest('hex');

  test('is the lower-case HMAC of the raw body', async () => {
    const webhook = await createWebhook('hex');

    const { body, headers } = await deliver(webhook);

    assert.equal(headers['x-webhook-signature'], hmac(webhook.secret, body));
    assert.notEqual(headers['x-webhook-signature'], hmac(stranger, body));
  });

  test('is sent in the configured header, the rotated-out secret beside it', async () => {
    const webhook = await createWebhook({ scheme: 'hex', header: 'X-Acme-Signature' });
    const { secret } = await rotate(webhook, { overlap_seconds: 3600 });

    const { body, headers } = await deliver(webhook);

    assert.equal(headers['x-acme-signature'], hmac(secret, body));
    assert.equal(headers['x-acme-signature-previous'], hmac(webhook.secret, body));
    assert.equal(headers['x-webhook-signature'], undefined);
  });
});
