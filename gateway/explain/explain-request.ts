/**
 * What the gateway would do with one request, told step by step, by the very steps that do it. No server, no connection: the
 * service is one that only notes what it would have got. Never: counts against a limit that is in force, or asks a feed.
 */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { type ErrorTexts, identityHeaders, Problem, problemDetails } from '@sallyport/contract';
import { problemHeaders } from '@sallyport/kit/problem';
import { createExchange, type Exchange, type Outcome, type Step } from '../exchange.ts';
import type { OutgoingRequest } from '../http1/request-head.ts';

export interface ExplainRequest {
  readonly method: string;
  /** `http://host/path?query`, or a target that begins with `/`; it is taken as it stands. */
  readonly url: string;
  /** Name, value, …: further header lines. */
  readonly headers: readonly string[];
}

export interface ExplainedStep {
  readonly step: string;
  /** `passes`, `refuses`, `answers` or `forwards`. */
  readonly verdict: 'passes' | 'refuses' | 'answers' | 'forwards';
  /** Why, for a person. */
  readonly detail: string;
}

export interface Explanation {
  readonly method: string;
  readonly target: string;
  /** The rule's path; undefined: no rule was reached. */
  readonly route: string | undefined;
  readonly service: string | undefined;
  /** `forward`, `answer`, or a code of the catalogue. */
  readonly decision: string;
  readonly status: number | undefined;
  readonly steps: readonly ExplainedStep[];
  /** What the service would get, or undefined. */
  readonly forwarded:
    | { readonly method: string; readonly target: string; readonly headers: readonly (readonly [string, string])[] }
    | undefined;
  /** What the client would get from the gateway itself, or undefined. */
  readonly answer:
    | { readonly status: number; readonly headers: readonly (readonly [string, string])[]; readonly body: string }
    | undefined;
}

export interface ExplainOptions {
  /** The steps, whose last one hands what it would send to `sent`. */
  readonly steps: readonly Step[];
  readonly sent: () => OutgoingRequest | undefined;
  readonly texts: ErrorTexts;
  /** The client's address. */
  readonly address: string;
}

const pairs = (lines: readonly string[]): (readonly [string, string])[] =>
  lines.flatMap((name, at) => (at % 2 === 0 ? [[name, lines[at + 1] ?? ''] as const] : []));

const urlForm = /^https?:\/\/([^/?#]*)(.*)$/i;

/** The request as node:http would hand it over; no socket carries it. */
const exchangeOf = ({ method, url, headers }: ExplainRequest, address: string): Exchange => {
  const [, host = 'localhost', rest = url] = urlForm.exec(url) ?? [];
  const target = rest === '' || rest.startsWith('?') ? `/${rest}` : rest;
  const hasHost = headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: address });
  const req = new IncomingMessage(socket);
  const rawHeaders = [...(hasHost ? [] : ['Host', host]), ...headers];
  Object.assign(req, { method, url: target, httpVersion: '1.1', rawHeaders, complete: true });
  return createExchange(req, new ServerResponse(req), 'plain', 0);
};

const wording = (
  names: { readonly any: readonly string[]; readonly all: readonly string[] } | undefined,
  what: string,
) =>
  names === undefined
    ? []
    : [
        ...(names.all.length > 0 ? [`all of the ${what} ${names.all.join(', ')}`] : []),
        ...(names.any.length > 0 ? [`one of the ${what} ${names.any.join(', ')}`] : []),
      ];

/** What a step that let the request pass has found. */
const found = (step: string, exchange: Exchange): string => {
  const { route, token, path, address, headers } = exchange;
  const proxied = route?.kind === 'proxy' ? route : undefined;
  const who = token === undefined ? 'nobody is identified' : `user ${token.claims.sub}`;
  const notes: Readonly<Record<string, () => string>> = {
    'access log': () =>
      headers.reserved.length > 0
        ? `from ${address}; removed, since only the gateway may say who calls: ${headers.reserved.join(', ')}`
        : `from ${address}`,
    'canonical target': () => path,
    route: () => `${route?.name} -> ${proxied?.upstream.id}${exchange.forwardTarget} (access ${proxied?.access})`,
    authenticate: () => (proxied?.access === 'public' ? 'public: nobody is asked' : who),
    revocation: () => (token === undefined ? 'no token' : 'not asked here: a running gateway asks its feed'),
    authorise: () => {
      const { roles, permissions, scopes } = proxied?.requirement ?? {};
      const needed = [...wording(roles, 'roles'), ...wording(permissions, 'permissions'), ...wording(scopes, 'scopes')];
      return needed.length === 0 ? 'the route needs nothing more' : `has ${needed.join(' and ')}`;
    },
    CSRF: () => `${proxied?.csrf}: ${exchange.req.method}${token === undefined ? ', nobody is identified' : ''}`,
    'user limit': () => (proxied?.userLimit === undefined ? 'none' : proxied.userLimit.policy),
    'sign identity': () => (token === undefined ? 'anonymous' : who),
  };
  return notes[step]?.() ?? '';
};

const reasonOf = (problem: Problem): string => {
  const cause = problem.cause instanceof Error ? ` (${problem.cause.message})` : '';
  const params = problem.params === undefined ? '' : ` ${JSON.stringify(problem.params)}`;
  return `${problem.status} ${problem.code}: ${problem.message}${params}${cause}`;
};

/** Takes one request through the steps. */
export const explainRequest = async (request: ExplainRequest, options: ExplainOptions): Promise<Explanation> => {
  const exchange = exchangeOf(request, options.address);
  const told: ExplainedStep[] = [];
  let outcome: Outcome;
  for (const { name, run } of options.steps) {
    outcome = await run(exchange);
    if (outcome === 'taken') told.push({ step: name, verdict: 'forwards', detail: serviceOf(exchange) ?? '' });
    else if (outcome instanceof Problem) told.push({ step: name, verdict: 'refuses', detail: reasonOf(outcome) });
    else if (outcome !== undefined) told.push({ step: name, verdict: 'answers', detail: String(outcome.status) });
    else told.push({ step: name, verdict: 'passes', detail: found(name, exchange) });
    if (outcome !== undefined) break;
  }
  const sent = options.sent();
  const answer = answerOf(outcome, exchange, options.texts);
  return Object.freeze({
    method: request.method,
    target: exchange.target === '' ? request.url : exchange.target,
    route: exchange.route?.name,
    service: serviceOf(exchange),
    decision: outcome instanceof Problem ? outcome.code : sent === undefined ? 'answer' : 'forward',
    status: answer?.status,
    steps: told,
    forwarded: sent && { method: sent.method, target: sent.target, headers: pairs(sent.headers).map(shown) },
    answer,
  });
};

const credentials: readonly string[] = ['authorization', 'dpop', 'cookie', 'x-csrf-token'];

/** Credentials stay where they are, and an assertion is shown as what it says. */
const shown = ([name, value]: readonly [string, string]): readonly [string, string] => {
  if (credentials.includes(name)) return [name, '(as sent)'];
  if (name === identityHeaders.signature) return [name, '(HMAC-SHA-256 of id and e-mail)'];
  if (name !== identityHeaders.assertion) return [name, value];
  const [, payload = ''] = value.split('.');
  return [name, `(signed) ${Buffer.from(payload, 'base64url').toString()}`];
};

const serviceOf = ({ route }: Exchange): string | undefined =>
  route?.kind === 'proxy' ? route.upstream.id : undefined;

const answerOf = (outcome: Outcome, exchange: Exchange, texts: ErrorTexts): Explanation['answer'] => {
  if (outcome === undefined || outcome === 'taken') return undefined;
  const always = pairs(exchange.responseHeaders);
  if (!(outcome instanceof Problem)) {
    return { status: outcome.status, headers: [...always, ...pairs(outcome.headers)], body: outcome.body };
  }
  const body = JSON.stringify(problemDetails(outcome, texts, exchange.requestId));
  return { status: outcome.status, headers: [...always, ...Object.entries(problemHeaders(outcome))], body };
};
