import type { Socket } from 'node:net';
import { type Held, holdUntilTurnEnds } from '../turn-end.ts';
import { openSocket, type ServiceAddress } from './open-socket.ts';
import { chunkedEnd, type OutgoingBody, type OutgoingRequest } from './request-head.ts';
import { type AnswerHead, AnswerMalformed, type AnswerSink, ResponseParser } from './response-parser.ts';

/** Who waits for the answer. Exactly one of `onEnd` and `onError` is called, once, and last. */
export interface AnswerHandler {
  /** The request is about to be written. */
  onStart(flow: Flow): void;
  onHead(head: AnswerHead): void;
  /** The part is only lent: it is written over after the call. */
  onBody(part: Buffer): void;
  /** All that has come so far has been told; more will come later. */
  onRead(): void;
  onEnd(): void;
  onError(error: Error): void;
}

/** How a handler steers the answer. */
export interface Flow {
  pause(): void;
  resume(): void;
  /** The answer is one that never ends by itself. */
  setEndless(): void;
  /** Ends the request; `onError` gets the reason. */
  abort(reason: Error): void;
}

export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  readonly code: string;
  /** The service had answered on this connection before, and closed it as the request was written. */
  readonly wasKept: boolean;
  constructor(code: string, wasKept: boolean, cause?: unknown) {
    super(`the connection to the service ended (${code})`, { cause });
    this.code = code;
    this.wasKept = wasKept;
  }
}

export interface ConnectionOptions {
  readonly address: ServiceAddress;
  /** The pool's coarse clock, milliseconds. */
  readonly now: () => number;
  /** It counts among the others no more: see `isAside`. */
  readonly onAside: () => void;
  /** Free for another request. */
  readonly onIdle: (connection: Connection) => void;
  readonly onClose: (connection: Connection, reason: Error | undefined) => void;
}

/** One connection to one service: at most one request at a time. A class because it is a lifecycle. */
export class Connection implements AnswerSink, Flow, Held {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #parser: ResponseParser = new ResponseParser(this);
  #handler: AnswerHandler | undefined;
  /** The head of a request without body, until the turn's end. */
  #heldHead: string | undefined;
  /** Nothing of the request under way has been written yet. */
  #isUnwritten = false;
  #body: OutgoingBody | undefined;
  #isBodySent = true;
  #keepAlive = true;
  #answers = 0;
  #isClosed = false;
  #isPaused = false;
  #isEndless = false;
  isConnected = false;
  /** When the present state began (connecting, idle) or something last came, by the pool's coarse clock. */
  since: number;
  /** An answer is awaited, and nobody on our side holds it up. */
  isWaiting = false;
  /** How long the request under way may wait for its answer, and between two parts of it. */
  answerTimeoutMs = 0;
  /** How long it may lie idle; services that tell get their way. */
  idleMs = defaultIdleMs;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.since = options.now();
    // One buffer for the connection's whole life, instead of a new one for each read.
    const buffer = Buffer.allocUnsafeSlow(readBytes);
    this.#socket = openSocket(options.address, { buffer, callback: this.#onRead });
    this.#socket.on(options.address.isTls ? 'secureConnect' : 'connect', this.#onConnect);
    this.#socket.on('end', this.#onSocketEnd);
    this.#socket.on('error', this.#onSocketError);
    this.#socket.on('close', this.#onSocketClose);
  }

  get isBusy(): boolean {
    return this.#handler !== undefined;
  }

  /** The client of the request under way sends the rest of its body, or has yet to read what came. */
  get isHeld(): boolean {
    return this.#handler !== undefined && (this.#isPaused || !this.#isBodySent);
  }

  /** Busy for as long as it pleases somebody outside: held, or with an answer that never ends by itself. */
  get isAside(): boolean {
    return this.isHeld || (this.#isEndless && this.#handler !== undefined);
  }

  /** Takes a request; the connection may still be opening. */
  assign(handler: AnswerHandler): void {
    this.#handler = handler;
    this.#keepAlive = true;
    this.#isEndless = false;
    this.isWaiting = true;
    this.since = this.#options.now();
  }

  /** Writes the request that was assigned, its head made before. Call once, when the connection stands. */
  write({ method, body }: Pick<OutgoingRequest, 'method' | 'body'>, head: string): void {
    const handler = this.#handler;
    if (handler === undefined) return;
    this.#parser.reset(method);
    handler.onStart(this);
    // `onStart` may have aborted it.
    if (this.#handler !== handler || this.#isClosed) return;
    this.#isUnwritten = true;
    holdUntilTurnEnds(this);
    if (body === null) {
      this.#heldHead = head;
      this.#isBodySent = true;
      return;
    }
    // What of the body comes in this turn goes out with the head.
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    this.#sendBody(body, head.endsWith(chunkedEnd));
  }

  letGo(): void {
    this.#isUnwritten = false;
    const head = this.#heldHead;
    this.#heldHead = undefined;
    if (head === undefined) this.#socket.uncork();
    else if (!this.#isClosed) this.#socket.write(head, 'latin1');
  }

  #sendBody(body: OutgoingBody, chunked: boolean): void {
    this.#body = body;
    this.#isBodySent = false;
    const isMine = (): boolean => this.#body === body;
    body.on('data', (chunk) => {
      if (!isMine()) return;
      // A client that sends slowly is not a service that answers slowly.
      this.since = this.#options.now();
      if (chunked) this.#socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
      let open = this.#socket.write(chunk);
      if (chunked) open = this.#socket.write('\r\n', 'latin1');
      if (open) return;
      body.pause();
      this.#socket.once('drain', () => body.resume());
    });
    body.on('end', () => {
      if (!isMine()) return;
      if (chunked) this.#socket.write('0\r\n\r\n', 'latin1');
      this.#body = undefined;
      this.#isBodySent = true;
      if (this.#parser.hasEnded) this.#release();
    });
    body.on('error', (error) => {
      if (isMine()) this.#fail(error);
    });
    body.resume();
  }

  pause(): void {
    this.isWaiting = false;
    this.#isPaused = true;
    this.#socket.pause();
    this.#options.onAside();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#handler === undefined) return;
    this.isWaiting = true;
    this.since = this.#options.now();
    this.#socket.resume();
  }

  setEndless(): void {
    this.#isEndless = true;
    this.#options.onAside();
  }

  abort(reason: Error): void {
    this.#fail(reason);
  }

  /** Ends an idle connection; a busy one fails with the reason. */
  close(reason: Error): void {
    this.#fail(reason);
  }

  onHead(head: AnswerHead): void {
    this.#keepAlive = head.keepAlive;
    if (head.idleSeconds !== undefined)
      this.idleMs = Math.min(defaultIdleMs, Math.max(0, head.idleSeconds * 1000 - idleMarginMs));
    this.#handler?.onHead(head);
  }

  onBody(part: Buffer): void {
    this.#handler?.onBody(part);
  }

  onEnd(isClean: boolean): void {
    this.#answers += 1;
    this.#keepAlive &&= isClean;
    if (this.#isBodySent) this.#release();
    // RFC 9112 §9.3: the request is not whole, so nothing can follow it on this connection.
    else this.#finishEarly();
  }

  #release(): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.isWaiting = false;
    this.since = this.#options.now();
    this.#listenAgain();
    handler?.onEnd();
    // After the answer was handed on: the next request must not overtake it.
    if (this.#keepAlive && !this.#isClosed) this.#options.onIdle(this);
    else this.#destroy(undefined);
  }

  /** Whoever was slow to take the last part of an answer must not make the next one's connection deaf. */
  #listenAgain(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  #finishEarly(): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#body = undefined;
    this.#destroy(undefined);
    handler?.onEnd();
  }

  readonly #onConnect = (): void => {
    this.isConnected = true;
    this.since = this.#options.now();
    this.#options.onIdle(this);
  };

  /** The buffer is read into again afterwards: whoever keeps a part of it copies it. False: no more for now. */
  readonly #onRead = (length: number, buffer: Uint8Array): boolean => {
    this.since = this.#options.now();
    if (this.#isUnwritten) {
      // RFC 9112 §9.2: what comes before the request has gone out answers another one.
      this.#fail(this.#lost('ECONNRESET'));
      return true;
    }
    try {
      this.#parser.feed(Buffer.from(buffer.buffer, buffer.byteOffset, length));
      if (!this.#parser.hasEnded) this.#handler?.onRead();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new AnswerMalformed(String(error)));
    }
    return !this.#isPaused;
  };

  readonly #onSocketEnd = (): void => {
    this.#keepAlive = false;
    if (!this.#parser.end()) this.#fail(this.#lost('ECONNRESET'));
  };

  readonly #onSocketError = (error: Error & { readonly code?: string }): void => {
    this.#fail(this.#lost(error.code ?? 'ECONNRESET', error));
  };

  readonly #onSocketClose = (): void => {
    this.#fail(this.#lost('ECONNRESET'));
  };

  #lost(code: string, cause?: unknown): ConnectionLost {
    return new ConnectionLost(code, this.#answers > 0, cause);
  }

  #fail(error: Error): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#body = undefined;
    this.isWaiting = false;
    this.#destroy(error);
    handler?.onError(error);
  }

  #destroy(reason: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.destroy();
    this.#options.onClose(this, reason);
  }
}

/** Services behind common servers close idle connections after five seconds or later. */
const defaultIdleMs = 4000;
const idleMarginMs = 1000;

const readBytes = 65_536;
