// Publishes events to a Fanfare server, from Node 18 or newer, without any dependency.
//
// The one promise: a call publishes its event once or says that it may not have. Every call makes one
// Idempotency-Key and sends the same bytes under it on each attempt, so that an attempt whose answer was lost may be
// repeated without publishing twice. Attempts and time are bounded; whatever goes wrong is a FanfareError that knows
// the server's request id.
//
// A publisher holds no connection and no state: share one in the whole process.
import { randomUUID } from 'node:crypto';

export interface PublisherOptions {
  /** Where the server is, such as `https://hooks.example.com`; a path in front of /api/v1 is kept. */
  url: string;
  /** An API key or a JWT that the server trusts. */
  key: string;
  /** How often one call may try, the first time included; 4 unless told. */
  attempts?: number;
  /** How long one attempt may take, from the connection to the last byte; 10 s unless told. */
  attemptTimeoutMs?: number;
  /** How long the whole call may take, waiting included; 30 s unless told. */
  totalTimeoutMs?: number;
  /** The wait before the second attempt, 250 ms unless told; it doubles with each further one, up to 5 s. */
  retryDelayMs?: number;
}

/** One thing that happened. */
export interface FanfareEvent {
  event_type: string;
  /** Any JSON value; receivers get it as it is serialised here. */
  data: unknown;
  /** Whose event it is: the tenant's id or its external id. Keys of one tenant leave it out. */
  tenant?: string;
  /** Your own id of this event: the same one published again within 7 days is delivered once. */
  event_id?: string;
  /** Only these webhooks, instead of all that want the event type. */
  webhook_ids?: readonly string[];
  max_attempts?: number;
  metadata?: Readonly<Record<string, string>>;
}

/** The same in the words of systems that call a tenant a user. */
export interface TriggeredEvent {
  event_type: string;
  data: unknown;
  /** Left out, the event is for every user: a broadcast, which takes a service key. */
  user_id?: string;
  event_id?: string;
}

export interface PublishOptions {
  /** Made for each call unless told. Give the one of a NoAnswerError to finish what it left open. */
  idempotencyKey?: string;
}

/** The server's answer, whole, and how it was got. */
export interface Published {
  /** The server's id of the event. */
  id: string;
  event_id: string | null;
  /** How many webhooks get it. */
  deliveries: number;
  /** True if this event_id was published before; nothing new is delivered then. */
  duplicate: boolean;
  request_id: string | undefined;
  attempts: number;
}

/** What is wrong with one field of a refused request. */
export interface FieldError {
  /** The JSON pointer of the field, such as `/event_type`. */
  pointer?: string;
  parameter?: string;
  code: string;
  detail: string;
}

interface FailureFacts {
  requestId: string | undefined;
  attempts: number;
  idempotencyKey: string;
}

/** Every failure of a call that was made as it should be; wrong arguments are a TypeError. */
export class FanfareError extends Error {
  override readonly name: string = 'FanfareError';
  /** The server's id of the last request that it answered, to be named in a report. */
  readonly requestId: string | undefined;
  readonly attempts: number;
  readonly idempotencyKey: string;

  constructor(message: string, facts: FailureFacts, options?: ErrorOptions) {
    super(message, options);
    this.requestId = facts.requestId;
    this.attempts = facts.attempts;
    this.idempotencyKey = facts.idempotencyKey;
  }
}

/** The server answered, and not with a success. */
export class ApiError extends FanfareError {
  override readonly name = 'ApiError';
  readonly status: number;
  /** The stable word for what happened, such as `validation_failed`; `http_502` if a proxy answered. */
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly FieldError[];
  readonly retryAfterSeconds: number | undefined;

  constructor(answer: Answer, facts: FailureFacts) {
    const problem = problemOf(answer);
    super(`${answer.status} ${problem.code}: ${problem.detail}${mention(facts.requestId)}`, facts);
    this.status = answer.status;
    this.code = problem.code;
    this.detail = problem.detail;
    this.errors = problem.errors;
    this.retryAfterSeconds = answer.retryAfterMs === undefined ? undefined : answer.retryAfterMs / 1000;
  }
}

/** The last attempt had no answer: whether the event was published is not known. `cause` says why. */
export class NoAnswerError extends FanfareError {
  override readonly name = 'NoAnswerError';
}

interface Answer {
  status: number;
  text: string;
  json: unknown;
  requestId: string | undefined;
  retryAfterMs: number | undefined;
}

const detailLengthMax = 200;
const retryDelayMsMax = 5_000;
const retriedStatuses = new Set([408, 429, 500, 502, 503, 504]);

export class Fanfare {
  readonly #endpoint: URL;
  readonly #key: string;
  readonly #attempts: number;
  readonly #attemptTimeoutMs: number;
  readonly #totalTimeoutMs: number;
  readonly #retryDelayMs: number;

  constructor(options: PublisherOptions) {
    this.#endpoint = endpointOf(options.url);
    this.#key = text('key', options.key);
    this.#attempts = numberIn('attempts', options.attempts ?? 4, 1, 20);
    this.#attemptTimeoutMs = numberIn('attemptTimeoutMs', options.attemptTimeoutMs ?? 10_000, 1, 600_000);
    this.#totalTimeoutMs = numberIn('totalTimeoutMs', options.totalTimeoutMs ?? 30_000, 1, 3_600_000);
    this.#retryDelayMs = numberIn('retryDelayMs', options.retryDelayMs ?? 250, 0, 60_000);
  }

  /** Publishes one event: resolves once the server has stored it and all its deliveries. */
  publish(event: FanfareEvent, options?: PublishOptions): Promise<Published>;
  publish(tenant: string, eventType: string, payload: unknown, options?: PublishOptions): Promise<Published>;
  async publish(
    first: FanfareEvent | string, second?: PublishOptions | string, payload?: unknown, last?: PublishOptions,
  ): Promise<Published> {
    if (typeof first !== 'string') return this.#publish(first, second as PublishOptions | undefined);
    return this.#publish({ tenant: first, event_type: second as string, data: payload }, last);
  }

  /** publish() in the words of systems that call a tenant a user; without a `user_id` it is a broadcast. */
  async triggerWebhook(event: TriggeredEvent, options?: PublishOptions): Promise<Published> {
    const { user_id, ...rest } = event;
    return this.#publish('user_id' in event ? { ...rest, tenant: text('user_id', user_id) } : rest, options);
  }

  /** publish() in the words of systems that call a tenant an organization. */
  async triggerEvent(orgId: string, event: string, data: unknown, options?: PublishOptions): Promise<Published> {
    return this.#publish({ tenant: text('orgId', orgId), event_type: event, data }, options);
  }

  // The body is written once: an Idempotency-Key stands for these very bytes.
  async #publish(event: FanfareEvent, options: PublishOptions = {}): Promise<Published> {
    const body = bodyOf(event);
    const idempotencyKey = text('idempotencyKey', options.idempotencyKey ?? randomUUID());
    const deadline = performance.now() + this.#totalTimeoutMs;
    let requestId: string | undefined;
    for (let attempts = 1; ; attempts += 1) {
      const timeLeft = Math.max(1, deadline - performance.now());
      const outcome = await this.#post(body, idempotencyKey, Math.min(this.#attemptTimeoutMs, timeLeft));
      if (!(outcome instanceof Error)) requestId = outcome.requestId ?? requestId;
      const facts = { requestId, attempts, idempotencyKey };
      const published = publishedOf(outcome, facts);
      if (published) return published;
      const delay = this.#delayAfter(outcome, attempts);
      if (delay === undefined || performance.now() + delay >= deadline) throw failureOf(outcome, facts);
      await new Promise((resolve) => { setTimeout(resolve, delay); });
    }
  }

  // One attempt. An Error is returned, not thrown: no answer at all is an ordinary outcome here. A redirect is not
  // followed, since the key would go along.
  async #post(body: string, idempotencyKey: string, timeoutMs: number): Promise<Answer | Error> {
    try {
      const response = await fetch(this.#endpoint, {
        method: 'POST',
        headers: {
          'authorization': `Bearer ${this.#key}`,
          'content-type': 'application/json',
          'idempotency-key': idempotencyKey,
          'user-agent': 'fanfare-typescript/0.1.0',
        },
        body,
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await response.text();
      return {
        status: response.status,
        text,
        json: parsed(text),
        requestId: response.headers.get('request-id') ?? undefined,
        retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
      };
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  // How long to wait before the next attempt; undefined if there is none. Random, so that publishers that failed
  // together do not come back together.
  #delayAfter(outcome: Answer | Error, attempts: number): number | undefined {
    if (attempts >= this.#attempts) return undefined;
    const backoff = Math.min(this.#retryDelayMs * 2 ** (attempts - 1), retryDelayMsMax) * (0.5 + Math.random() / 2);
    if (outcome instanceof Error) return backoff;
    // 409: an earlier attempt of this very call is still at work in the server.
    const mayRetry = retriedStatuses.has(outcome.status)
      || (outcome.status === 409 && problemOf(outcome).code === 'idempotency_key_in_use');
    return mayRetry ? Math.max(backoff, outcome.retryAfterMs ?? 0) : undefined;
  }
}

function text(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new TypeError(`${name} must be a string that is not empty, not ${describe(value)}`);
}

function numberIn(name: string, value: number, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw new TypeError(`${name} must be a number from ${min} to ${max}, not ${describe(value)}`);
}

function describe(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}

function endpointOf(address: string): URL {
  let url: URL;
  try {
    url = new URL(text('url', address));
  } catch (cause) {
    throw new TypeError(`url must be the server's address such as https://hooks.example.com, not ${describe(address)}`,
      { cause });
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new TypeError(`url must begin with https:// or http://, not ${url.protocol}`);
  }
  return new URL(`${url.origin}${url.pathname.replace(/\/+$/, '')}/api/v1/events`);
}

// A tenant that is there and undefined is refused: it is a mistake in the caller's code, and with a service key it
// would turn one tenant's event into everybody's.
function bodyOf(event: FanfareEvent): string {
  const { tenant, ...rest } = event;
  text('event_type', event.event_type);
  if (event.data === undefined) throw new TypeError('data must be a JSON value such as {} or null, not undefined');
  if (event.event_id !== undefined) text('event_id', event.event_id);
  return JSON.stringify('tenant' in event ? { tenant_id: text('tenant', tenant), ...rest } : rest);
}

function publishedOf(outcome: Answer | Error, facts: FailureFacts): Published | undefined {
  if (outcome instanceof Error || !isSuccess(outcome)) return undefined;
  return { ...(outcome.json as Published), request_id: facts.requestId, attempts: facts.attempts };
}

// A success that does not name an event comes from another server than ours.
function isSuccess({ status, json }: Answer): boolean {
  return status >= 200 && status <= 299 && isObject(json) && typeof json.id === 'string';
}

function failureOf(outcome: Answer | Error, facts: FailureFacts): FanfareError {
  if (!(outcome instanceof Error)) return new ApiError(outcome, facts);
  const times = facts.attempts === 1 ? 'once' : `${facts.attempts} times`;
  return new NoAnswerError(
    `The server gave no answer, asked ${times}: ${reasonOf(outcome)}${mention(facts.requestId)}`, facts,
    { cause: outcome });
}

// fetch() says only "fetch failed"; what went wrong is below.
function reasonOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message || String(error.cause) : error.message;
}

function mention(requestId: string | undefined): string {
  return requestId === undefined ? '' : ` (request ${requestId})`;
}

function problemOf({ status, json, text: body }: Answer): { code: string; detail: string; errors: FieldError[] } {
  if (isObject(json) && typeof json.code === 'string') {
    const errors = Array.isArray(json.errors) ? (json.errors as FieldError[]) : [];
    return { code: json.code, detail: String(json.detail ?? json.title ?? ''), errors };
  }
  const what = body === '' ? 'an empty answer' : `an answer that is not Fanfare's: ${body.slice(0, detailLengthMax)}`;
  return { code: `http_${status}`, detail: what, errors: [] };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

// Seconds or an HTTP date (RFC 9110 10.2.3).
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const value = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(value) ? undefined : Math.max(0, value);
}
