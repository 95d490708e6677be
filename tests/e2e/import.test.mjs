// Moving in: the webhooks that another system exported, with ids and secrets, and their clients notice nothing.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { api, apiOk, fanfareBinary, startReceiver, startServer, temporaryDirectory } from '../support/server.mjs';

const run = promisify(execFile);
const here = {};
before(async () => {
  here.files = temporaryDirectory();
  here.server = await startServer({ args: ['--profile', 'nuke'] });
  here.receiver = await startReceiver();
});
after(async () => {
  await here.server?.stop();
  await here.receiver?.close();
  here.files?.remove();
});

async function fanfareImport(name, text, ...words) {
  return importAt(here.server.url, name, text, ...words);
}

async function importAt(url, name, text, ...words) {
  const file = path.join(here.files.directory, name);
  writeFileSync(file, text);
  const env = { PATH: process.env.PATH, FANFARE_API_KEY: here.server.adminKey };
  try {
    const { stdout, stderr } = await run(fanfareBinary(),
      ['import', '--from', 'nuke', file, '--url', url, ...words], { env });
    return { code: 0, stdout, stderr };
  } catch (error) {
    return { code: error.code, stdout: error.stdout, stderr: error.stderr };
  }
}

const secret = `whsec_${'0f'.repeat(32)}`;
const row = (more) => ({ id: 'b2c0-1', user_id: 'ann', url: here.receiver.url('/moved'), events: ['vehicle.created'],
  secret, active: true, created_at: '2024-01-01', ...more });

test('an imported webhook keeps its id and its secret', async () => {
  const done = await fanfareImport('one.json', JSON.stringify([row()]));
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /1 created, 0 already there, 0 refused/);
  assert.ok(!done.stdout.includes(secret) && !done.stderr.includes(secret));

  const shown = await apiOk(here.server, 'GET', '/webhooks/b2c0-1', { base: '' });
  assert.equal(shown.legacy_id, 'b2c0-1');
  assert.equal(shown.user_id, 'ann');
  await apiOk(here.server, 'POST', '/events', { body: { event_type: 'vehicle.created', data: {}, user_id: 'ann' } });
  const [request] = await here.receiver.waitFor('/moved');
  const { t, v1 } = Object.fromEntries(request.headers['stripe-signature'].split(',').map((item) => item.split('=')));
  assert.equal(v1, createHmac('sha256', secret).update(`${t}.${request.text}`).digest('hex'));
});

test('importing again changes nothing', async () => {
  const rows = JSON.stringify([row({ id: 'again-1' }), row({ id: 'again-2', events: ['vehicle.deleted'] })]);
  await fanfareImport('again.json', rows);
  const second = await fanfareImport('again.json', rows);
  assert.equal(second.code, 0);
  assert.match(second.stdout, /0 created, 2 already there, 0 refused/);
});

test('a row that the server refuses is named with the reason, and the others come in', async () => {
  const csv = 'id,user_id,url,events,secret\n'
    + `bad-1,ann,not a url,vehicle.created,${secret}\n`
    + `bad-2,ann,${here.receiver.url('/x')},vehicle.exploded,${secret}\n`
    + `good-1,ann,${here.receiver.url('/x')},vehicle.updated,\n`;
  const done = await fanfareImport('mixed.csv', csv, '--json');
  const report = JSON.parse(done.stdout);
  assert.equal(done.code, 1);
  assert.deepEqual([report.created, report.refused], [1, 2]);
  assert.deepEqual(report.rows.map((one) => one.row), [1, 2, 3]);
  assert.equal(report.rows[0].reason.match(/\/url/g).length, 1, `once: ${report.rows[0].reason}`);
  assert.match(report.rows.find((one) => one.row === 1).reason, /url/);
  assert.match(report.rows.find((one) => one.row === 2).reason, /vehicle\./);
  assert.match(report.rows.find((one) => one.row === 3).secret, /^whsec_/, 'a new secret is shown, once');
});

test('of two rows with one id the second is refused, in its place', async () => {
  const rows = JSON.stringify([row({ id: 'twin-1' }), row({ id: 'twin-1' }),
    row({ id: 'twin-2', events: ['vehicle.deleted'] })]);
  const tried = await fanfareImport('twins.json', rows, '--dry-run');
  assert.equal(tried.code, 1);
  assert.match(tried.stderr, /^2 would be sent/m);
  const done = await fanfareImport('twins.json', rows);
  assert.equal(done.code, 1);
  assert.match(done.stdout, /^row 1 .*\nrow 2 {2}refused: rows 1 and 2 have the same id, "twin-1".*\nrow 3 /);
  assert.match(done.stdout, /2 created, 0 already there, 1 refused/);
});

test('a dry run asks the server nothing and shows no secret', async () => {
  const done = await fanfareImport('dry.json', JSON.stringify([row({ id: 'dry-1' })]), '--dry-run');
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stderr, /nothing was/);
  assert.ok(!(done.stdout + done.stderr).includes(secret));
  assert.equal((await api(here.server, 'GET', '/webhooks/dry-1')).status, 404);
});

test('wrong use is told apart from a server that is not there', async () => {
  assert.equal((await fanfareImport('broken.json', '[{')).code, 2);
  const away = await importAt('http://127.0.0.1:1', 'away.json', JSON.stringify([row({ id: 'away-1' })]));
  assert.equal(away.code, 1);
  assert.match(away.stderr, /no server answers/);
});
