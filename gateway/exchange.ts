/**
 * One request on its way: what each step leaves for those after it. Made once per request, with all members, so that every
 * exchange has one shape. A step writes its own part and reads those before it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Problem, TraceContext } from '@sallyport/contract';
import type { VerifiedToken } from '@sallyport/verify';
import { type InboundHeaders, noHeaders } from './headers/inbound.ts';
import type { Route } from './route-table.ts';

/** What can be ended before it has ended by itself. */
export interface Cancellable {
  cancel(): void;
}

export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** The client waits for `100 Continue` before it sends its body. */
  readonly expectsContinue: boolean;
  /** A WebSocket handshake (RFC 6455 §4.1). */
  readonly isUpgrade: boolean;
  readonly startedMs: number;

  // the request that is judged: forward auth puts another than the one that came
  method: string;
  /** As it was sent, before it was judged. */
  rawTarget: string;
  /** A proxy in front asks about a request of its own, and how it tells which; undefined: the request itself has come. */
  asked: 'original' | 'forwarded' | 'path' | undefined;

  // access log
  /** UUIDv7; also the assertion's `jti`. */
  requestId: string;
  trace: TraceContext | undefined;
  /** Client address as judged here. */
  address: string;
  /** A code of the catalogue, or `pass`. */
  decision: string;

  // headers
  headers: InboundHeaders;
  /** Name, value, name, value: go out with every answer. */
  readonly responseHeaders: string[];

  // canonical target
  /** Path and query, or `*`. */
  target: string;
  /** The target up to the query. */
  path: string;

  // CORS
  isPreflight: boolean;

  // route
  route: Route | undefined;
  /** What the service gets: the target after prefix stripping. */
  forwardTarget: string;

  // authenticate
  token: VerifiedToken | undefined;
  /** The access token's cookie came with the request, whoever identified the caller. */
  sentAccessCookie: boolean;

  // sign identity: name, value, name, value
  identityHeaders: readonly string[];

  // proxy
  /** Place in the list of exchanges under way; -1: not in it. */
  openPlace: number;
  /** When the request was handed to its service, by `elapsedMs`, and when the answer's head came; 0: not yet. */
  upstreamSentMs: number;
  upstreamAnsweredMs: number;
  /** The span of the call to the service, where the trace is recorded; empty: it is not. */
  upstreamSpanId: string;
  /** An event stream or an upgraded connection: it ends when somebody ends it. */
  isEndless: boolean;
  /**
   * Ends the upstream request of a client that went away. The relay itself and not a closure over it: with one closure a request
   * a third of all requests' objects outlived their collection and had to be collected with the old generation.
   */
  underWay: Cancellable | undefined;
}

/** An answer that the gateway makes itself and that is no problem. */
export interface Answer {
  readonly status: number;
  /** Name, value, name, value. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** `undefined`: go on with the next step. `taken`: the step answers by itself, later. */
export type Outcome = undefined | Problem | Answer | 'taken';

/** Never calls another step. Synchronous where it can be: a promise is waited for, and costs. */
export interface Step {
  readonly name: string;
  readonly run: (exchange: Exchange) => Outcome | Promise<Outcome>;
}

/** How a request came in, beside being one. */
export type Arrival = 'plain' | 'expects continue' | 'upgrade';

export const createExchange = (
  req: IncomingMessage,
  res: ServerResponse,
  arrival: Arrival,
  startedMs: number,
): Exchange => ({
  req,
  res,
  expectsContinue: arrival === 'expects continue',
  isUpgrade: arrival === 'upgrade',
  startedMs,
  method: req.method ?? '',
  rawTarget: req.url ?? '',
  asked: undefined,
  requestId: '',
  trace: undefined,
  address: '',
  decision: 'pass',
  headers: noHeaders,
  responseHeaders: [],
  target: '',
  path: '',
  isPreflight: false,
  route: undefined,
  forwardTarget: '',
  token: undefined,
  sentAccessCookie: false,
  identityHeaders: [],
  openPlace: -1,
  upstreamSentMs: 0,
  upstreamAnsweredMs: 0,
  upstreamSpanId: '',
  isEndless: false,
  underWay: undefined,
});
