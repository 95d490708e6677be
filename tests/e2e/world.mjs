// What the end-to-end tests start from: a running server, an event catalogue, tenants with keys, and a receiver.
import { after, before } from 'node:test';

import { api, apiOk, eventually, startReceiver, startServer } from '../support/server.mjs';

const catalogue = ['user.created', 'user.deleted', 'invoice.paid'];

/** A server and a receiver for the tests of one file, and short ways to use them. */
export function world({ args = [], env = {} } = {}) {
  const here = { tenants: 0 };
  before(async () => {
    here.server = await startServer({ args, env });
    here.receiver = await startReceiver();
    for (const name of catalogue) {
      await apiOk(here.server, 'POST', '/event-types', { body: { name, sample: { of: name } } });
    }
  });
  after(async () => {
    await here.server?.stop();
    await here.receiver?.close();
  });

  here.admin = (method, where, body, headers) => api(here.server, method, where, { body, headers });
  /** A new tenant; its `call` speaks with its own key, `ok` fails unless the answer is a success. */
  here.tenant = async (role = 'tenant') => {
    here.tenants += 1;
    const { id } = await apiOk(here.server, 'POST', '/tenants', { body: { name: `Tenant ${here.tenants}` } });
    const keyOf = async (wanted) =>
      (await apiOk(here.server, 'POST', '/api-keys', { body: { tenant_id: id, role: wanted } })).key;
    const key = await keyOf(role);
    const call = (method, where, body, headers) => api(here.server, method, where, { body, headers, key });
    const ok = (method, where, body, headers) => apiOk(here.server, method, where, { body, headers, key });
    const webhook = (path, more = {}) =>
      ok('POST', '/webhooks', { url: here.receiver.url(path), events: ['*'], ...more });
    const publish = (more = {}) => ok('POST', '/events', { event_type: 'user.created', data: { n: 1 }, ...more });
    return { id, key, keyOf, call, ok, webhook, publish };
  };
  return here;
}

/** The one delivery of an event, once `isThere` says so of it. */
export async function deliveryOf(tenant, event, isThere = () => true) {
  return eventually(async () => {
    const { data } = await tenant.ok('GET', `/events/${event.id}/deliveries`);
    return data.length > 0 && isThere(data[0]) ? data[0] : undefined;
  });
}

let paths = 0;
/** A path of the receiver that no other test uses. */
export function freshPath() {
  paths += 1;
  return `/hook-${paths}`;
}
