// The ledger: what was intended, acknowledged and received, kept outside the server and judged at the end. It is never killed, so
// memory is enough.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import http from 'node:http';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

export class Ledger {
  /** key → {state: 'sent' | 'acked' | 'unknown' | 'refused', dataHash, endpoints} */
  intents = new Map();
  /** endpoint → key → {ids: Set, successes: number} */
  received = new Map();
  corrupted = 0;
  phantom = 0;
  requests = 0;
  successes = 0;

  intend(key, data, endpoints) {
    this.intents.set(key, { state: 'sent', dataHash: sha256(data), endpoints });
  }

  settle(key, state) {
    const intent = this.intents.get(key);
    // Once acknowledged, always: a later unknown answer to the same key takes nothing back.
    if (intent.state !== 'acked') intent.state = state;
  }

  receive(endpoint, id, key, dataHash, isGenuine, status) {
    this.requests += 1;
    const intent = this.intents.get(key);
    if (!intent || !intent.endpoints.includes(endpoint)) this.phantom += 1;
    else if (!isGenuine || intent.dataHash !== dataHash) this.corrupted += 1;
    if (status < 200 || status > 299) return;
    this.successes += 1;
    if (!this.received.has(endpoint)) this.received.set(endpoint, new Map());
    const keys = this.received.get(endpoint);
    if (!keys.has(key)) keys.set(key, { ids: new Set(), successes: 0 });
    const entry = keys.get(key);
    entry.ids.add(id);
    entry.successes += 1;
  }

  successesOf(endpoint, key) {
    return this.received.get(endpoint)?.get(key)?.successes ?? 0;
  }

  /** Acknowledged (endpoint, key) pairs that no receiver has answered with 2xx. */
  missing() {
    const missing = [];
    for (const [key, intent] of this.intents) {
      if (intent.state !== 'acked') continue;
      for (const endpoint of intent.endpoints) {
        if (this.successesOf(endpoint, key) === 0) missing.push(`${endpoint} ${key}`);
      }
    }
    return missing;
  }

  verdict() {
    const states = { acked: 0, unknown: 0, refused: 0, sent: 0 };
    let recovered = 0;
    let duplicated = 0;
    let twice = 0;
    for (const [key, intent] of this.intents) {
      states[intent.state] += 1;
      for (const endpoint of intent.endpoints) {
        const entry = this.received.get(endpoint)?.get(key);
        if (!entry) continue;
        if (intent.state === 'unknown') recovered += 1;
        duplicated += entry.successes - 1;
        // One publish, one delivery for each endpoint: a second webhook-id means that the event was stored twice.
        if (entry.ids.size > 1) twice += 1;
      }
    }
    return {
      ...states, lost: this.missing().length, duplicated, recovered, twice,
      phantom: this.phantom, corrupted: this.corrupted,
    };
  }
}

/**
 * A receiver for many deliveries: /hook/N for endpoint N. It verifies the signature of each, answers some with 503 and some slowly, and
 * writes all into the ledger.
 */
export async function startLedgerReceiver(ledger, { failShare = 0.05, slowShare = 0.05 } = {}) {
  const secrets = new Map();
  const server = http.createServer((incoming, outgoing) => {
    const chunks = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('error', () => {});
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const id = incoming.headers['webhook-id'];
      const event = JSON.parse(body.toString('utf8'));
      const status = Math.random() < failShare ? 503 : 204;
      const genuine = isGenuine(secrets.get(incoming.url), incoming.headers, body);
      const answer = () => {
        ledger.receive(incoming.url, id, event.data.key, sha256(JSON.stringify(event.data)), genuine, status);
        outgoing.writeHead(status).end();
      };
      if (Math.random() < slowShare) setTimeout(answer, 50 + Math.random() * 200);
      else answer();
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: (endpoint) => `http://127.0.0.1:${server.address().port}${endpoint}`,
    setSecret: (endpoint, secret) => secrets.set(endpoint, secret),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => { server.close(resolve); });
    },
  };
}

function isGenuine(secret, headers, body) {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signed = Buffer.concat([Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`), body]);
  const expected = createHmac('sha256', key).update(signed).digest();
  const given = Buffer.from((headers['webhook-signature'] ?? '').replace(/^v1,/, ''), 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
