// What the tests of one system share: a server that runs its profile, a receiver, and its clients' ways to call. A test
// names the requirement it proves; `later` marks what waits for another part, with the reason.
import { execFile, execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import {
  api, apiOk, eventually, fanfareBinary, startReceiver, startServer, temporaryDirectory,
} from '../../support/server.mjs';
import { requirements } from './requirements.mjs';

export const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const run = promisify(execFile);

export function system(name, { args = [], env = {} } = {}) {
  const here = { count: 0 };
  before(async () => {
    here.files = temporaryDirectory();
    here.databaseFile = path.join(here.files.directory, 'fanfare.db');
    here.server = await startServer({
      args: ['--profile', name, ...(typeof args === 'function' ? args(here.files.directory) : args)],
      env, database: `sqlite:${here.databaseFile}`,
    });
    here.receiver = await startReceiver();
  });
  after(async () => {
    await here.server?.stop();
    await here.receiver?.close();
    here.files?.remove();
  });

  /** A name that no other test of the file uses, for tenants, paths and event ids. */
  here.fresh = (what = 'x') => `${what}-${here.count += 1}`;
  /** One call on the system's own path, by the service. */
  here.call = (method, where, body, headers) =>
    api(here.server, method, where, { body, headers, base: '' });
  here.ok = (method, where, body, headers) =>
    apiOk(here.server, method, where, { body, headers, base: '' });
  /** The same with another key or token. */
  here.as = (key) => ({
    call: (method, where, body, headers) => api(here.server, method, where, { body, headers, base: '', key }),
    ok: (method, where, body, headers) => apiOk(here.server, method, where, { body, headers, base: '', key }),
  });
  here.publish = (body) => here.ok('POST', '/api/v1/events', body);
  /** The tenant's own key: `word` is a tenant by its external id. */
  here.keyOf = async (external, role = 'tenant') =>
    (await here.ok('POST', '/api/v1/api-keys', { tenant_id: external, role })).key;
  /** The one delivery of a published event, once `isThere` says so. */
  here.delivery = (event, isThere = () => true) => eventually(async () => {
    const { data } = await here.ok('GET', `/api/v1/events/${event.id}/deliveries`);
    return data.length > 0 && isThere(data[0]) ? data[0] : undefined;
  }, 30_000);
  /** A real curl, as a person would type it: → {status, json, text}. */
  here.curl = async (...words) => {
    const { stdout } = await run('curl', ['-sS', '--max-time', '30', '-w', '\n%{http_code}', ...words]);
    const cut = stdout.lastIndexOf('\n');
    const text = stdout.slice(0, cut);
    return { status: Number(stdout.slice(cut + 1)), text, json: text === '' ? undefined : JSON.parse(text) };
  };
  here.url = (where) => here.server.url + where;
  /** Rows of a statement on the server's database, read while it runs, as people do with sqlite3. */
  here.sql = (statement) => sql(here.databaseFile, statement);
  /** The command line of the program, with the server's address, key and database. */
  here.fanfare = (...words) => fanfare(words, {
    FANFARE_ADMIN_KEY: here.server.adminKey, FANFARE_LISTEN: new URL(here.server.url).host,
    FANFARE_DATABASE: `sqlite:${here.databaseFile}`,
  });

  const texts = requirements[name];
  /** A test that proves a requirement. */
  here.requirement = (id, what, body, options = {}) => {
    if (!texts[id]) throw new Error(`${name} has no requirement ${id}`);
    test(`${id}: ${what}`, options, body);
  };
  here.later = (id, reason) => {
    if (!texts[id]) throw new Error(`${name} has no requirement ${id}`);
    test(`${id}: ${texts[id]}`, { skip: `later: ${reason}` });
  };
  return here;
}

/** Runs the binary → {code, stdout, stderr}; never throws for an exit code. */
export async function fanfare(words, env) {
  try {
    const { stdout, stderr } = await run(fanfareBinary(), words,
      { env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env }, timeout: 60_000 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    return { code: error.code, stdout: error.stdout ?? '', stderr: error.stderr ?? '' };
  }
}

const reader = `
import json, sqlite3, sys
rows = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)
rows.row_factory = sqlite3.Row
print(json.dumps([{k: (v.hex() if isinstance(v, bytes) else v) for k, v in dict(r).items()}
                  for r in rows.execute(sys.argv[2])]))
`;
export function sql(file, statement) {
  return JSON.parse(execFileSync('python3', ['-c', reader, file, statement], { encoding: 'utf8' }));
}

/** Lower-case hex HMAC-SHA256, as receivers compute it. */
export function hexHmac(secret, text) {
  return createHmac('sha256', secret).update(text).digest('hex');
}

/** Runs verification code that a receiver would have, with the arguments it reads; true if it says `ok`. */
export function verifies(language, code, ...args) {
  const [program, flag] = language === 'python' ? ['python3', '-c'] : ['node', '-e'];
  return execFileSync(program, [flag, code, ...args], { encoding: 'utf8' }).trim() === 'ok';
}

/** The claim of the engine's tests on a simulated clock: they passed, and there was at least one. */
export async function simulated(filter) {
  const binary = path.join(path.dirname(fanfareBinary()), 'src/delivery/fanfare_delivery_test');
  const { stdout } = await run(binary, [`--gtest_filter=${filter}`], { timeout: 120_000 });
  const passed = /\[ {2}PASSED {2}\] (\d+) tests?/.exec(stdout);
  return passed !== null && Number(passed[1]) > 0 && !/FAILED/.test(stdout);
}
