/**
 * What the adapters for node:http, Express, Fastify and Hono share: reading the raw request and hiding identity headers.
 * Adapters translate between a framework and a guard; they decide nothing.
 */
import type { IncomingMessage } from 'node:http';
import type { Guard, GuardDecision } from '../guard/guard.ts';
import { isIdentityHeader } from '../guard/identity-header.ts';

/** From rawHeaders: `headers` joins or drops repeated lines, and which of them is not for us to guess. */
const rawValues = ({ rawHeaders }: IncomingMessage, name: string): readonly string[] => {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === name) values.push(rawHeaders[index + 1] ?? '');
  }
  return values;
};

const hideIn = (headers: Record<string, unknown>): void => {
  for (const name of Object.keys(headers)) if (isIdentityHeader(name)) delete headers[name];
};

/** Takes identity headers out of all three views of a request's headers. */
const hideIdentityHeaders = (request: IncomingMessage): void => {
  // Node makes these two views from rawHeaders when first read, and counts on its length: so they come first.
  hideIn(request.headers);
  hideIn(request.headersDistinct);
  const { rawHeaders } = request;
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2) {
    if (isIdentityHeader(rawHeaders[index] ?? '')) rawHeaders.splice(index, 2);
  }
};

type Decisions = WeakMap<IncomingMessage, GuardDecision | Promise<GuardDecision>>;
const decided = new WeakMap<Guard, Decisions>();

/**
 * Asks the guard once about each request, however often it is mounted: a second look would find the header hidden, or the
 * assertion used.
 * @param target path and query as received, before any router changed them
 */
export const checkIncoming = (
  guard: Guard,
  request: IncomingMessage,
  target: string,
): GuardDecision | Promise<GuardDecision> => {
  const decisions: Decisions = decided.get(guard) ?? new WeakMap();
  decided.set(guard, decisions);
  const known = decisions.get(request);
  if (known) return known;
  const decision = guard.check({
    method: request.method ?? '',
    target,
    values: (name) => rawValues(request, name),
  });
  hideIdentityHeaders(request);
  decisions.set(request, decision);
  return decision;
};
