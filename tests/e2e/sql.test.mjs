// The statements of docs/sql.md, run as they stand there against the file of a running server.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { apiOk, eventually, startReceiver, startServer, temporaryDirectory } from '../support/server.mjs';

// Python's sqlite3 is there wherever the tests run; rows come back as objects.
const runner = `
import json, sqlite3, sys
db = sqlite3.connect('file:' + sys.argv[1] + '?mode=ro', uri=True)
db.row_factory = sqlite3.Row
print(json.dumps([dict(row) for row in db.execute(sys.stdin.read())]))
`;

function query(file, sql) {
  return JSON.parse(execFileSync('python3', ['-c', runner, file], { input: sql, encoding: 'utf8' }));
}

function documented() {
  const page = readFileSync(new URL('../../docs/sql.md', import.meta.url), 'utf8');
  return [...page.matchAll(/```sql\n(.*?)```/gs)].map((match) => match[1]);
}

test('the documented statements answer what was delivered', async () => {
  const place = temporaryDirectory();
  const receiver = await startReceiver();
  const file = `${place.directory}/fanfare.db`;
  const server = await startServer({ database: `sqlite:${file}` });
  try {
    for (const name of ['user.created', 'invoice.paid']) {
      await apiOk(server, 'POST', '/event-types', { body: { name, sample: {} } });
    }
    const tenant = await apiOk(server, 'POST', '/tenants', { body: { name: 'T' } });
    receiver.on('/bad', 500);
    const webhook = (where, more = {}) => apiOk(server, 'POST', '/webhooks',
      { body: { tenant_id: tenant.id, url: receiver.url(where), events: ['*'], ...more } });
    const good = await webhook('/good');
    const bad = await webhook('/bad', { retry_policy: { schedule: ['1s'], attempts: 1 } });
    const paused = await webhook('/later');
    await apiOk(server, 'POST', `/webhooks/${paused.id}/pause`, { body: {} });
    const publish = (type) => apiOk(server, 'POST', '/events',
      { body: { tenant_id: tenant.id, event_type: type, data: { amount: 7 } } });
    const event = await publish('user.created');
    await publish('user.created');
    await publish('invoice.paid');
    await apiOk(server, 'POST', `/webhooks/${good.id}/test`, { body: { event_type: 'user.created' } });
    await eventually(async () => {
      const stats = await apiOk(server, 'GET', '/stats');
      return stats.successful === 3 && stats.failed === 3 ? stats : undefined;
    });
    const [byEvent, failed, worst, health, waiting] = documented();

    assert.deepEqual(query(file, byEvent), [
      { event: 'user.created', total: 6, average_attempts: 4 / 6, successful: 2 },
      { event: 'invoice.paid', total: 3, average_attempts: 2 / 3, successful: 1 },
    ]);
    const failures = query(file, failed);
    assert.equal(failures.length, 3);
    assert.equal(failures[0].event, 'invoice.paid');
    assert.equal(failures[0].webhook_id, bad.id);
    assert.equal(failures[0].response_status, 500);
    assert.match(failures[0].last_error, /500/);
    assert.deepEqual(query(file, waiting).map((row) => [row.webhook_id, row.waiting]), [[paused.id, 3]]);
    await eventually(async () => {
      const [row] = query(file, `SELECT * FROM webhook_metrics WHERE webhook_id = '${good.id}'`);
      return row.total_deliveries === 3 ? row : undefined;
    });
    assert.equal(query(file, worst)[0].webhook_id, bad.id);
    const [row] = query(file, health);
    assert.equal(row.webhooks, 3);
    assert.equal(row.paused, 1);
    assert.equal(row.pending, 3);
    const [delivery] = query(file, `SELECT * FROM delivery_log WHERE event_id = '${event.id}' AND webhook_id = '${good.id}'`);
    assert.deepEqual(JSON.parse(delivery.payload), { amount: 7 });
    const shown = await apiOk(server, 'GET', `/deliveries/${delivery.id}?tenant_id=${tenant.id}`);
    assert.equal(shown.created_at, delivery.created_at);
    assert.equal(shown.delivered_at, delivery.delivered_at);
    assert.equal(shown.status, delivery.status);
  } finally {
    await server.stop();
    await receiver.close();
    place.remove();
  }
});
