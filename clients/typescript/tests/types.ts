// What the compiler must accept and what it must refuse; never run. An @ts-expect-error without an error is one.
import { ApiError, Fanfare, FanfareError, type FieldError, NoAnswerError, type Published } from '../src/fanfare.js';

interface Invoice { invoice_id: string; amount: number }

export async function accepted(invoice: Invoice): Promise<number> {
  const fanfare = new Fanfare({ url: 'https://hooks.example.com', key: 'k', attempts: 2 });
  const published: Published = await fanfare.publish({ event_type: 'invoice.paid', data: invoice, tenant: 'acme' });
  await fanfare.publish('acme', 'invoice.paid', invoice);
  await fanfare.publish('acme', 'invoice.paid', null, { idempotencyKey: 'again' });
  await fanfare.triggerWebhook({ event_type: 'invoice.paid', data: [1], event_id: 'order-17' });
  await fanfare.triggerEvent('org_7', 'invoice.paid', { webhooks: 3 });
  return published.deliveries;
}

export function handled(error: unknown): readonly FieldError[] {
  if (error instanceof ApiError && error.code === 'validation_failed') return error.errors;
  if (error instanceof NoAnswerError) throw new Error(error.idempotencyKey, { cause: error.cause });
  const requestId: string | undefined = error instanceof FanfareError ? error.requestId : undefined;
  throw new Error(requestId);
}

export async function refused(fanfare: Fanfare): Promise<void> {
  // @ts-expect-error no key
  new Fanfare({ url: 'https://hooks.example.com' });
  // @ts-expect-error no data
  await fanfare.publish({ event_type: 'invoice.paid' });
  // @ts-expect-error a field that no event has
  await fanfare.publish({ event_type: 'invoice.paid', data: {}, tenent: 'acme' });
  // @ts-expect-error a user id that may be missing would be a broadcast
  await fanfare.triggerWebhook({ event_type: 'invoice.paid', data: {}, user_id: undefined });
  // @ts-expect-error an organization is a must
  await fanfare.triggerEvent(undefined, 'invoice.paid', {});
  // @ts-expect-error metadata is text
  await fanfare.publish({ event_type: 'invoice.paid', data: {}, metadata: { n: 1 } });
}
