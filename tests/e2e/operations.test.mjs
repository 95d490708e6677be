// scripts/try-every-operation against the real server: it tries every route there is, says so, leaves nothing behind,
// and fails when one operation does.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { apiOk, startServer, temporaryDirectory } from '../support/server.mjs';

const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const script = path.join(repository, 'scripts/try-every-operation');
const routesFile = path.join(repository, 'src/api/routes.cc');
const work = temporaryDirectory();

let server;
before(async () => { server = await startServer(); });
after(async () => {
  await server?.stop();
  work.remove();
});

/** Runs the script: `{code, lines, text}`. */
async function run(...args) {
  const child = spawn(script, args, {
    env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1' }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { text += chunk; });
  const code = await new Promise((resolve) => { child.once('close', resolve); });
  return { code, text, lines: text.split('\n') };
}

const runHere = (...more) => run('--url', server.url, '--key', server.adminKey, ...more);

/** `METHOD /route` of the report's lines that begin with this word, sorted. */
function operationsThatAre(word, { lines }) {
  return lines.map((line) => line.split(/\s+/)).filter(([first]) => first === word)
    .map(([, method, route]) => `${method} ${route}`).sort();
}

/** What is in the lists that a run adds to. */
async function contents() {
  const names = ['/tenants', '/event-types'];
  return Promise.all(names.map(async (where) => (await apiOk(server, 'GET', where)).data.length));
}

describe('try-every-operation', () => {
  let report;
  let contentsBefore;
  before(async () => {
    contentsBefore = await contents();
    report = await runHere();
  });

  test('every operation does what it should', () => {
    assert.equal(report.code, 0, report.text);
    assert.match(report.lines.at(-2), /^(\d+) of \1 operations are right, 0 failed, 0 were not tried$/);
  });

  test('every route of the server is tried once', () => {
    const routes = [...readFileSync(routesFile, 'utf8').matchAll(/Route\{"(\w+)",\s*"([^"]+)"/g)];
    assert.ok(routes.length >= 40, `only ${routes.length} routes found in ${routesFile}`);

    assert.deepEqual(operationsThatAre('ok', report), routes.map(([, method, route]) => `${method} ${route}`).sort());
  });

  test('nothing of it is left', async () => {
    const [tenants, eventTypes] = await contents();
    assert.equal(eventTypes, contentsBefore[1]);
    if (readFileSync(routesFile, 'utf8').includes('"DELETE", "/api/v1/tenants/{id}"')) {
      assert.equal(tenants, contentsBefore[0]);
    }
    for (const { id, name } of (await apiOk(server, 'GET', '/tenants')).data) {
      const webhooks = await apiOk(server, 'GET', `/webhooks?tenant_id=${id}`);
      const keys = await apiOk(server, 'GET', `/api-keys?tenant_id=${id}`);
      assert.deepEqual([webhooks.data, keys.data.filter((key) => !key.revoked_at)], [[], []], name);
    }
  });

  test('a route that the script does not know is missing from it', async () => {
    const longer = path.join(work.directory, 'routes.cc');
    writeFileSync(longer, `${readFileSync(routesFile, 'utf8')}\nRoute{"GET", "/api/v1/novelties", handle_novelties},\n`);

    const { code, text, ...rest } = await runHere('--routes', longer);

    assert.equal(code, 1, text);
    assert.deepEqual(operationsThatAre('MISSING', rest), ['GET /api/v1/novelties']);
    assert.match(text, /0 failed, 1 were not tried/);
  });

  test('an operation that the server has no route for is left out', async () => {
    const shorter = path.join(work.directory, 'fewer_routes.cc');
    writeFileSync(shorter, readFileSync(routesFile, 'utf8').replace(/^.*retry-due.*$/m, ''));

    const { code, text } = await runHere('--routes', shorter);

    assert.equal(code, 0, text);
    assert.ok(!text.includes('retry-due'), text);
  });

  test('an operation that goes wrong fails alone, says how, and the rest goes on', async (t) => {
    const proxy = await startBrokenProxy(/\/rotate-secret$/);
    t.after(proxy.close);

    const { code, text, ...rest } = await run('--url', proxy.url, '--key', server.adminKey);

    assert.equal(code, 1, text);
    assert.deepEqual(operationsThatAre('FAILED', rest), ['POST /api/v1/webhooks/{id}/rotate-secret']);
    assert.match(text, /answered 500, not 200: broken on purpose/);
    assert.match(text, /, 1 failed, 0 were not tried/);
  });

  test('what needs something that could not be made says so', async (t) => {
    const proxy = await startBrokenProxy(/^\/api\/v1\/webhooks$/);
    t.after(proxy.close);

    const { code, text } = await run('--url', proxy.url, '--key', server.adminKey);

    assert.equal(code, 1);
    assert.match(text, /FAILED +POST +\/api\/v1\/webhooks\/\{id\}\/pause .*it needs the webhook that an earlier/);
  });

  test('a wrong key, or nobody there, is said on every line', async () => {
    const wrongKey = await run('--url', server.url, '--key', 'x'.repeat(40));
    const nobody = await run('--url', 'http://127.0.0.1:1', '--key', 'x'.repeat(40));

    assert.deepEqual([wrongKey.code, nobody.code], [1, 1]);
    assert.match(wrongKey.text, /FAILED +POST +\/api\/v1\/tenants .*answered 401/);
    assert.match(nobody.text, /FAILED +GET +\/livez .*no answer from http:\/\/127\.0\.0\.1:1/);
  });

  test('wrong use is refused before anything is tried', async () => {
    for (const [args, why] of [
      [['--url', server.url], /give an admin key/],
      [['--url', 'ftp://127.0.0.1', '--key', 'k'], /must begin with http/],
      [['--key', 'k', '--routes', path.join(work.directory, 'none.cc')], /is no route table/],
      [['--key', 'k', '--receiver-host', '192.0.2.1'], /cannot receive deliveries on 192\.0\.2\.1/],
    ]) {
      const { code, text } = await run(...args);
      assert.equal(code, 2, text);
      assert.match(text, why);
    }
  });
});

/** The server, but for one path that answers 500. */
async function startBrokenProxy(broken) {
  const proxy = http.createServer((incoming, outgoing) => {
    if (incoming.method === 'POST' && broken.test(incoming.url)) {
      incoming.resume();
      outgoing.writeHead(500, { 'content-type': 'text/plain' }).end('broken on purpose');
      return;
    }
    const { method, headers, url } = incoming;
    const onward = http.request(new URL(url, server.url), { method, headers, agent: server.agent }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    onward.once('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise((resolve) => { proxy.listen(0, '127.0.0.1', resolve); });
  return {
    url: `http://127.0.0.1:${proxy.address().port}`,
    close: () => new Promise((resolve) => { proxy.close(resolve); proxy.closeAllConnections(); }),
  };
}
