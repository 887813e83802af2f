import type { ServerResponse } from 'node:http';
import type { Problem } from '@sallyport/contract';
import type { Refuse } from '../dispatcher.ts';
import type { Exchange } from '../exchange.ts';
import { readOutboundHeaders } from '../headers/outbound.ts';
import { type AnswerHandler, ConnectionLost, type Flow } from '../http1/connection.ts';
import { writeLawfulHead } from '../http1/response-head.ts';
import type { AnswerHead } from '../http1/response-parser.ts';
import { lingerAfterAnswer } from '../linger.ts';
import { type Held, holdUntilTurnEnds } from '../turn-end.ts';
import { allOut, isOutage, tooMany, upstreamProblem } from './failure.ts';
import type { RequestBody } from './request-body.ts';
import type { Destination, Upstream } from './upstream.ts';

export interface RelayRequest {
  readonly upstream: Upstream;
  /** Name, value, …: everything that is sent but `host`, `connection` and framing. */
  readonly headers: string[];
  readonly body: RequestBody | null;
  /** Cookies that this service may not set. */
  readonly keptCookies: readonly string[];
  /** Instead of the service's. */
  readonly answerTimeoutMs: number | undefined;
  readonly elapsedMs: () => number;
  /** Called once, when nothing is under way any more. */
  readonly onEnd: (exchange: Exchange) => void;
}

/** RFC 9110 §9.2.2: these may be repeated when nothing has been read of the answer. */
const idempotentMethods: readonly (string | undefined)[] = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'];
/** The others' assertions are good for one use: a service that has seen the first attempt would refuse the second. */
const safeMethods: readonly (string | undefined)[] = ['GET', 'HEAD', 'OPTIONS'];

const clientGone = new Error('the client went away');
/** A body up to this size goes out in one write with its head. */
const oneWriteBytes = 16_384;

/**
 * One request to a service and its answer back, as it streams. Its life: `send` -> connected -> answer head -> parts -> end, or
 * an error at any point. A class because it is a lifecycle, and because the connection calls its methods on every part.
 */
export class Relay implements AnswerHandler, Held {
  readonly #exchange: Exchange;
  readonly #request: RelayRequest;
  readonly #refuse: Refuse;
  #target: Destination | undefined;
  /** `answers` of the target when the request was handed to it. */
  #answersBefore = 0;
  #flow: Flow | undefined;
  #headers: string[] | undefined;
  #status = 0;
  /** The first part, until it is known whether it is the only one. */
  #first: Buffer | undefined;
  /** The answer's end, until it is written. */
  #last: string | Buffer | undefined;
  #isCancelled = false;
  #isRepeated = false;
  #isContinued = false;
  #isBegun = false;
  #isDone = false;

  constructor(exchange: Exchange, request: RelayRequest, refuse: Refuse) {
    this.#exchange = exchange;
    this.#request = request;
    this.#refuse = refuse;
  }

  /** Begins; called once. A slow client's body is gathered first, up to a limit: it costs the service nothing, and others no place. */
  send(): void {
    const { upstream, body } = this.#request;
    if (body === null || this.#exchange.expectsContinue) {
      this.#begin();
      return;
    }
    upstream.gathering += 1;
    body.gather((error) => {
      upstream.gathering -= 1;
      if (this.#isCancelled) return;
      const problem = error ?? overloaded(upstream);
      if (problem === undefined) this.#begin();
      else this.#giveUp(problem);
    });
  }

  #begin(): void {
    const { upstream } = this.#request;
    this.#isBegun = true;
    upstream.pending += 1;
    const target = upstream.choose();
    if (target === undefined) this.#giveUp(allOut());
    else this.#dispatch(target);
  }

  #dispatch(target: Destination): void {
    const { req, forwardTarget } = this.#exchange;
    const { headers, body } = this.#request;
    this.#exchange.upstreamSentMs = this.#request.elapsedMs();
    this.#target = target;
    this.#answersBefore = target.answers;
    target.pending += 1;
    target.pool.dispatch(
      {
        target: forwardTarget,
        method: req.method ?? '',
        headers,
        body,
        answerTimeoutMs: this.#request.answerTimeoutMs,
      },
      this,
    );
  }

  /** The client has gone: the service need not go on. */
  cancel(): void {
    if (this.#isDone) return;
    this.#isCancelled = true;
    this.#flow?.abort(clientGone);
    this.#request.body?.destroy();
    if (!this.#isBegun) this.#finish();
  }

  onStart(flow: Flow): void {
    this.#flow = flow;
    if (this.#isCancelled) {
      flow.abort(clientGone);
      return;
    }
    // RFC 9110 §10.1.1: the body is asked for once somebody wants it.
    if (this.#exchange.expectsContinue && !this.#isContinued) this.#exchange.res.writeContinue();
    this.#isContinued = true;
  }

  onHead({ status, headers: raw }: AnswerHead): void {
    this.#target?.answered();
    this.#exchange.upstreamAnsweredMs = this.#request.elapsedMs();
    const headers = readOutboundHeaders(raw, status, this.#request.keptCookies);
    if (headers === undefined) throw new Error('the service answered in a transfer coding that is not chunked');
    if (isEventStream(headers)) {
      this.#exchange.isEndless = true;
      this.#flow?.setEndless();
    }
    for (const part of this.#exchange.responseHeaders) headers.push(part);
    this.#status = status;
    this.#headers = headers;
  }

  onBody(part: Buffer): void {
    if (this.#headers !== undefined && this.#first === undefined) {
      this.#first = part;
      return;
    }
    this.onRead();
    this.#write(part);
  }

  /** What has come goes out, whether more follows or not. */
  onRead(): void {
    const first = this.#first;
    this.#first = undefined;
    if (this.#headers !== undefined) {
      this.#writeHead(this.#headers);
      if (first === undefined) this.#exchange.res.flushHeaders();
    }
    if (first !== undefined) this.#write(first);
  }

  #writeHead(headers: string[]): void {
    this.#headers = undefined;
    lingerAfterAnswer(this.#exchange);
    writeLawfulHead(this.#exchange.res, this.#status, headers);
  }

  #write(part: Buffer): void {
    const { res } = this.#exchange;
    // The part is lent for this call only, and the client may take its time.
    if (res.write(Buffer.from(part)) || res.destroyed) return;
    const flow = this.#flow;
    flow?.pause();
    res.once('drain', () => flow?.resume());
  }

  onEnd(): void {
    this.#finish();
    const first = this.#first;
    // The part is lent. Head and body as one latin1 string are one write; as string and bytes they would be two.
    if (first !== undefined) this.#last = first.length > oneWriteBytes ? Buffer.from(first) : first.toString('latin1');
    holdUntilTurnEnds(this);
  }

  /** The rest of the answer goes out. */
  letGo(): void {
    const { res } = this.#exchange;
    try {
      if (this.#headers !== undefined) this.#writeHead(this.#headers);
      if (this.#last === undefined) res.end();
      else res.end(this.#last, 'latin1');
    } catch (error) {
      endWithError(res, () => this.#refuse(this.#exchange, upstreamProblem(error)));
    }
  }

  onError(error: Error): void {
    if (this.#isCancelled) {
      this.#finish();
      return;
    }
    const failed = this.#target;
    if (this.#isOutage(error)) failed?.failed(this.#answersBefore);
    const next = failed && this.#nextAfter(failed, error);
    if (next === undefined) {
      this.#giveUp(error);
      return;
    }
    this.#isRepeated = true;
    this.#flow = undefined;
    this.#leaveTarget();
    this.#dispatch(next);
  }

  /** A body that its client is slow to send is not a service that is slow to answer. */
  #isOutage(error: Error): boolean {
    const { body } = this.#request;
    return isOutage(error) && (this.#flow === undefined || body === null || body.readableEnded);
  }

  #giveUp(error: Error): void {
    this.#finish();
    this.#request.body?.destroy();
    endWithError(this.#exchange.res, () => this.#refuse(this.#exchange, upstreamProblem(error)));
  }

  #leaveTarget(): void {
    if (this.#target !== undefined) this.#target.pending -= 1;
    this.#target = undefined;
  }

  #finish(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#leaveTarget();
    if (this.#isBegun) this.#request.upstream.pending -= 1;
    this.#request.onEnd(this.#exchange);
  }

  /**
   * Once, and to another target where one is in: what never reached a service (without a connection `onStart` is not called, and
   * nothing of the body is read), and a safe request whose kept connection ended before its answer began. RFC 9112 §9.3.1: a client
   * may repeat idempotent requests by itself.
   */
  #nextAfter(failed: Destination, error: Error): Destination | undefined {
    const { req, res } = this.#exchange;
    const { upstream, body } = this.#request;
    if (this.#isRepeated || res.headersSent || this.#headers !== undefined) return undefined;
    if (this.#flow === undefined) {
      const isEmpty = body === null && idempotentMethods.includes(req.method);
      return upstream.other(failed) ?? (isEmpty ? failed : undefined);
    }
    const wasKept = error instanceof ConnectionLost && error.wasKept;
    const isSafe = body === null && safeMethods.includes(req.method);
    return wasKept && isSafe ? (upstream.other(failed) ?? failed) : undefined;
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
    if (headers[at] === 'content-type') return /^text\/event-stream\b/i.test(headers[at + 1] ?? '');
  }
  return false;
};

/** Too many requests under way to one service. */
export const overloaded = (upstream: Upstream): Problem | undefined =>
  upstream.pending < upstream.maxPending || upstream.relieve() ? undefined : tooMany();
