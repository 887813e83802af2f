import type { ServerResponse } from 'node:http';
import { Problem } from '@sallyport/contract';
import type { Dispatcher } from 'undici';
import type { Refuse } from '../dispatcher.ts';
import type { Exchange } from '../exchange.ts';
import { readOutboundHeaders } from '../headers/outbound.ts';
import { lingerAfterAnswer } from '../linger.ts';
import { upstreamProblem } from './failure.ts';
import type { RequestBody } from './request-body.ts';
import type { Upstream } from './upstream.ts';

export interface RelayRequest {
  readonly upstream: Upstream;
  /** Name, value, …: everything that is sent but `host`, `connection` and framing. */
  readonly headers: string[];
  readonly body: RequestBody | null;
  /** Called once, when nothing is under way any more. */
  readonly onEnd: (exchange: Exchange) => void;
}

/** RFC 9110 §9.2.2: these may be repeated when nothing has been read of the answer. */
const idempotentMethods: readonly (string | undefined)[] = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'];
/** The others' assertions are good for one use: a service that has seen the first attempt would refuse the second. */
const safeMethods: readonly (string | undefined)[] = ['GET', 'HEAD', 'OPTIONS'];

/** What undici tells of a connection that ended, beside the error's code. */
interface ConnectionEnd extends Error {
  readonly code?: unknown;
  readonly socket?: { readonly bytesRead?: number };
}

/** A service may close a kept connection (one on which it has answered before) just as a request is written to it. */
const isKeptConnectionEnd = ({ code, socket }: ConnectionEnd): boolean =>
  code === 'ECONNRESET' || code === 'EPIPE' || (code === 'UND_ERR_SOCKET' && (socket?.bytesRead ?? 0) > 0);

const clientGone = new Error('the client went away');

/**
 * One request to a service and its answer back, as it streams. Its life: `send` -> connected -> answer head -> parts -> end, or
 * an error at any point. A class because it is a lifecycle, and because undici calls its methods on every part.
 */
export class Relay implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange;
  readonly #request: RelayRequest;
  readonly #refuse: Refuse;
  #controller: Dispatcher.DispatchController | undefined;
  #isCancelled = false;
  #isRepeated = false;
  #isDone = false;

  constructor(exchange: Exchange, request: RelayRequest, refuse: Refuse) {
    this.#exchange = exchange;
    this.#request = request;
    this.#refuse = refuse;
  }

  /** Begins; called once. */
  send(): void {
    this.#request.upstream.pending += 1;
    this.#dispatch();
  }

  #dispatch(): void {
    const { req, forwardTarget } = this.#exchange;
    const { upstream, headers, body } = this.#request;
    upstream.pool.dispatch({ path: forwardTarget, method: req.method ?? '', headers, body }, this);
  }

  /** The client has gone: the service need not go on. */
  cancel(): void {
    if (this.#isDone) return;
    this.#isCancelled = true;
    this.#controller?.abort(clientGone);
    this.#request.body?.destroy();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isCancelled) {
      controller.abort(clientGone);
      return;
    }
    // RFC 9110 §10.1.1: the body is asked for once somebody wants it.
    if (this.#exchange.expectsContinue && !this.#isRepeated) this.#exchange.res.writeContinue();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    // RFC 9110 §15.2: an interim answer; the final one follows.
    if (status < 200) return;
    const { res, responseHeaders } = this.#exchange;
    const headers = readOutboundHeaders(rawOf(controller), status);
    if (headers === undefined) throw new Error('the service answered in a transfer coding that is not chunked');
    this.#exchange.isEndless = isEventStream(headers);
    for (const part of responseHeaders) headers.push(part);
    lingerAfterAnswer(this.#exchange);
    res.writeHead(status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { res } = this.#exchange;
    if (res.write(chunk) || res.destroyed) return;
    controller.pause();
    res.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    this.#finish();
    this.#exchange.res.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#isCancelled) {
      this.#finish();
      return;
    }
    if (this.#mayRepeat(error)) {
      this.#isRepeated = true;
      this.#controller = undefined;
      this.#dispatch();
      return;
    }
    this.#finish();
    this.#request.body?.destroy();
    endWithError(this.#exchange.res, () => this.#refuse(this.#exchange, upstreamProblem(error)));
  }

  #finish(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#request.upstream.pending -= 1;
    this.#request.onEnd(this.#exchange);
  }

  /**
   * Once: what never reached a service (without a connection `onRequestStart` is not called), and a safe request whose
   * kept connection ended before its answer began. RFC 9112 §9.3.1: a client may repeat idempotent requests by itself.
   */
  #mayRepeat(error: ConnectionEnd): boolean {
    const { req, res } = this.#exchange;
    if (this.#isRepeated || this.#request.body !== null || res.headersSent) return false;
    if (this.#controller === undefined) return idempotentMethods.includes(req.method);
    return isKeptConnectionEnd(error) && safeMethods.includes(req.method);
  }
}

/** Half an answer must not look whole: its connection is cut. */
const endWithError = (res: ServerResponse, answer: () => void): void => {
  if (res.headersSent) res.destroy();
  else answer();
};

/** HTML, "Server-sent events", 9.2.2. */
const isEventStream = (headers: readonly string[]): boolean => {
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at]?.toLowerCase() === 'content-type') return /^text\/event-stream\b/i.test(headers[at + 1] ?? '');
  }
  return false;
};

const rawOf = ({ rawHeaders }: Dispatcher.DispatchController): readonly (Buffer | string)[] =>
  Array.isArray(rawHeaders) ? rawHeaders : [];

/** Too many requests under way to one service. */
export const overloaded = ({ pending, maxPending }: Upstream): Problem | undefined =>
  pending < maxPending ? undefined : new Problem('busy', { params: { retryAfterSeconds: 1 }, retryAfterSeconds: 1 });
