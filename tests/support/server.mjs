// What every test against the real binary needs: a server process, calls to its API, a receiver that
// records what is delivered, and a way to wait for a fact. Plain Node ≥ 18, no dependencies. Nothing
// here sleeps to synchronise: each wait ends when its condition holds, or fails with what was seen.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const outputKept = 4 * 1024 * 1024;

/** Processes of this test run, so that a failing test leaves none behind. */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export function fanfareBinary() {
  const binary = process.env.FANFARE_BIN ?? path.join(repository, 'build/release/fanfare');
  if (!existsSync(binary)) {
    throw new Error(`no server binary at ${binary}: build it first, or set FANFARE_BIN`);
  }
  return binary;
}

/** A new empty directory under the system's temporary one, and a function that removes it. */
export function temporaryDirectory() {
  const directory = mkdtempSync(path.join(tmpdir(), 'fanfare-test-'));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/**
 * Starts `fanfare serve` on a free port of 127.0.0.1 and returns once it listens.
 *
 * @param {object} [options]
 * @param {string[]} [options.args] further arguments, after the ones that every test wants
 * @param {object} [options.env] further environment; the caller's own FANFARE_* is not passed on
 * @param {string} [options.database] such as `sqlite:/path`; by default a new file that is removed
 *   when the server stops. Give one to look at it afterwards or to start a second server on it.
 * @param {string[]} [options.egress] what deliveries may reach; by default receivers on loopback
 * @param {number} [options.startTimeoutMs]
 * @returns {Promise<object>} `{url, adminKey, pid, database, stop(signal), kill(), exited,
 *   stdout(), stderr()}`
 */
export async function startServer(options = {}) {
  const { args = [], env = {}, database, startTimeoutMs = 20_000 } = options;
  const { egress = ['--egress-allow', '127.0.0.0/8', '--egress-http'] } = options;
  const adminKey = env.FANFARE_ADMIN_KEY ?? randomBytes(24).toString('hex');
  const own = database === undefined ? temporaryDirectory() : undefined;
  const store = database ?? `sqlite:${path.join(own.directory, 'fanfare.db')}`;
  const command = [
    'serve', '--listen', '127.0.0.1:0', '--database', store, ...egress, ...args,
  ];
  const child = spawn(fanfareBinary(), command, {
    env: { ...environment(), FANFARE_ADMIN_KEY: adminKey, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const exited = new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  exited.then(() => running.delete(child));

  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  const end = async (signal, timeoutMs) => {
    agent.destroy();
    child.kill(signal);
    const result = await within(exited, timeoutMs, `the server did not exit on ${signal}`)
      .finally(() => child.kill('SIGKILL'));
    own?.remove();
    return result;
  };
  const server = {
    adminKey, agent, database: store, pid: child.pid, exited,
    stdout: stdout.text, stderr: stderr.text,
    /** Ends it gently, waits for its exit, and returns `{code, signal}`. */
    stop: (signal = 'SIGTERM') => end(signal, 30_000),
    /** kill -9, and the wait for it. With a `database` given, the files stay. */
    kill: () => end('SIGKILL', 10_000),
  };
  try {
    server.url = await within(
      Promise.race([listeningLine(stdout), listeningLine(stderr), failedStart(exited)]),
      startTimeoutMs, 'the server did not say where it listens');
    return server;
  } catch (error) {
    await server.kill();
    error.message += `\n--- stdout\n${stdout.text()}\n--- stderr\n${stderr.text()}`;
    throw error;
  }
}

function environment() {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('FANFARE_'));
  return Object.fromEntries(kept);
}

function collect(stream) {
  let text = '';
  const listeners = new Set();
  stream.setEncoding('utf8');
  stream.on('data', (chunk) => {
    text = (text + chunk).slice(-outputKept);
    for (const listener of listeners) listener(text);
  });
  return {
    text: () => text,
    onText: (listener) => listeners.add(listener),
    forget: (listener) => listeners.delete(listener),
  };
}

function listeningLine(output) {
  return new Promise((resolve) => {
    const look = (text) => {
      const found = /listening on (http:\/\/127\.0\.0\.1:\d+)\D/.exec(text);
      if (!found) return;
      output.forget(look);
      resolve(found[1]);
    };
    output.onText(look);
    look(output.text());
  });
}

async function failedStart(exited) {
  const { code, signal, error } = await exited;
  const how = error?.message ?? `code ${code}, signal ${signal}`;
  throw new Error(`the server ended before it listened: ${how}`);
}

/** `promise`, or an error that says `what` after `timeoutMs`. */
export async function within(promise, timeoutMs, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * One call to the API. `where` is relative to /api/v1 unless it starts with /api/ or `base` says
 * otherwise (`base: ''` for /livez, /metrics and the systems' own paths). A string or Buffer body is
 * sent as it is, anything else as JSON; `key: null` sends no key. Never throws for a status: tests
 * look at it.
 *
 * @returns {Promise<{status: number, headers: object, json: any, text: string}>}
 */
export async function api(server, method, where, options = {}) {
  const { body, key = server.adminKey, headers = {} } = options;
  const { base = '/api/v1', timeoutMs = 30_000 } = options;
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
  const bytes = body === undefined || isRaw ? body : JSON.stringify(body);
  const url = new URL(where.startsWith('/api/') ? where : base + where, server.url);
  const request = http.request(url, {
    method, headers: requestHeaders(headers, key, bytes), agent: server.agent,
  });
  const answered = new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      readAll(response).then((content) => resolve([response, content.toString('utf8')]), reject);
    });
  });
  request.end(bytes);
  try {
    const [response, text] =
      await within(answered, timeoutMs, `${method} ${url.pathname} was not answered`);
    const json = parseJson(response, text);
    return { status: response.statusCode, headers: response.headers, text, json };
  } catch (error) {
    request.destroy();
    throw error;
  }
}

function requestHeaders(given, key, bytes) {
  const headers = {};
  for (const [name, value] of Object.entries(given)) headers[name.toLowerCase()] = value;
  if (key) headers.authorization ??= `Bearer ${key}`;
  if (bytes !== undefined) {
    headers['content-type'] ??= 'application/json';
    headers['content-length'] ??= Buffer.byteLength(bytes);
  }
  return headers;
}

function parseJson(response, text) {
  if (!/json/.test(response.headers['content-type'] ?? '') || text === '') return undefined;
  return JSON.parse(text);
}

async function readAll(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Like api(), but fails with the whole answer unless the status is `expected`; returns its JSON. */
export async function apiOk(server, method, where, options = {}) {
  const { expected = [200, 201, 202, 204] } = options;
  const answer = await api(server, method, where, options);
  if ([expected].flat().includes(answer.status)) return answer.json;
  throw new Error(`${method} ${where} answered ${answer.status}, not ${expected}: ${answer.text}`);
}

/**
 * An HTTP server on a free port of 127.0.0.1 that records every request, by path, and answers as told.
 *
 *   receiver.on('/a', 500)                          always 500
 *   receiver.on('/a', [500, {status: 429, headers: {'retry-after': '1'}}, 200])
 *                                                   in turn; the last one repeats
 *   receiver.on('/a', (request, index) => ({status: 200, body: 'ok', delayMs: 50}))
 *   receiver.on('/a', 'hang')                       never answers
 *   receiver.on('/a', 'reset')                      cuts the connection
 *
 * Unscripted paths answer 200. A recorded request is `{method, path, url, headers, rawHeaders, body,
 * text, json, receivedAt}`; `headers` has lower-case names, `body` is a Buffer of the bytes received.
 */
export async function startReceiver() {
  const recorded = new Map();
  const scripts = new Map();
  const waiting = new Set();
  const timers = new Set();

  const server = http.createServer(async (incoming, outgoing) => {
    const body = await readAll(incoming).catch(() => undefined);
    // The sender went away inside its request.
    if (body === undefined) return;
    const request = record(incoming, body);
    const list = listAt(recorded, request.path);
    list.push(request);
    for (const check of [...waiting]) check();
    answer(await decide(scripts.get(request.path), request, list.length - 1), outgoing, timers);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });

  const base = `http://127.0.0.1:${server.address().port}`;
  const requests = (where) => [...(recorded.get(where) ?? [])];
  return {
    port: server.address().port,
    url: (where) => base + where,
    requests,
    allRequests: () => [...recorded.values()].flat(),
    on: (where, handler) => { scripts.set(where, handler); },
    clear: (where) => { recorded.delete(where); },
    /** The requests of a path once there are at least `count`. */
    waitFor(where, count = 1, timeoutMs = 15_000) {
      let check;
      const enough = new Promise((resolve) => {
        check = () => { if (requests(where).length >= count) resolve(requests(where)); };
        waiting.add(check);
        check();
      });
      return within(enough, timeoutMs, `${where} did not receive ${count} requests`)
        .catch((error) => {
          throw new Error(`${error.message}; it received ${requests(where).length}`);
        })
        .finally(() => waiting.delete(check));
    },
    async close() {
      for (const timer of timers) clearTimeout(timer);
      const closed = new Promise((resolve) => { server.close(resolve); });
      server.closeAllConnections();
      await closed;
    },
  };
}

function listAt(map, key) {
  if (!map.has(key)) map.set(key, []);
  return map.get(key);
}

function record(incoming, body) {
  return {
    method: incoming.method,
    path: new URL(incoming.url, 'http://receiver').pathname,
    url: incoming.url,
    headers: incoming.headers,
    rawHeaders: incoming.rawHeaders,
    body,
    text: body.toString('utf8'),
    get json() { return JSON.parse(this.text); },
    receivedAt: Date.now(),
  };
}

async function decide(script, request, index) {
  if (script === undefined) return { status: 200 };
  const step = Array.isArray(script) ? script[Math.min(index, script.length - 1)] : script;
  const told = typeof step === 'function' ? await step(request, index) : step;
  return typeof told === 'number' ? { status: told } : told ?? { status: 200 };
}

function answer(told, outgoing, timers) {
  if (told === 'hang') return;
  if (told === 'reset') {
    outgoing.socket?.resetAndDestroy();
    return;
  }
  const write = () => {
    outgoing.writeHead(told.status ?? 200, told.headers ?? {});
    outgoing.end(told.body ?? '');
  };
  if (!told.delayMs) {
    write();
    return;
  }
  const timer = setTimeout(() => { timers.delete(timer); write(); }, told.delayMs);
  timers.add(timer);
}

/** Asks `condition` until it returns something truthy, and returns that; an error is "not yet". */
export async function eventually(condition, timeoutMs = 15_000, intervalMs = 25) {
  const deadline = performance.now() + timeoutMs;
  let last;
  for (;;) {
    try {
      last = await condition();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= deadline) break;
    await new Promise((resolve) => { setTimeout(resolve, intervalMs); });
  }
  const seen = last instanceof Error ? last.message : JSON.stringify(last);
  const asked = condition.toString().slice(0, 300);
  throw new Error(`still not so after ${timeoutMs} ms: ${asked}; last: ${seen}`);
}
