import { type AnswerHandler, Connection } from './connection.ts';
import type { ServiceAddress } from './open-socket.ts';
import { type OutgoingRequest, requestHead } from './request-head.ts';

export interface HttpPoolOptions {
  readonly address: ServiceAddress;
  /** Without those that a slow client holds up: their number is bounded by whoever bounds the requests under way. */
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** Until the answer begins, and between two parts of it. */
  readonly answerTimeoutMs: number;
}

export interface HttpPool {
  /** Sends the request on a connection that is free, opens one, or waits in line. */
  dispatch(request: OutgoingRequest, handler: AnswerHandler): void;
  /** Ends every connection; what is under way fails. */
  close(): void;
  /** Ends the request that its own client has held up longest without a byte, if for so long. False: there is none. */
  endHeld(leastMs: number): boolean;
  readonly connections: number;
}

/** A wait was too long. `HTTP1_CONNECT_TIMEOUT`, `HTTP1_ANSWER_TIMEOUT`. */
export class ServiceTimeout extends Error {
  override readonly name = 'ServiceTimeout';
  readonly code: string;
  constructor(code: string) {
    super(`the service took too long (${code})`);
    this.code = code;
  }
}

/** Neither a byte of its request nor a sign that it reads what came. */
export class ClientTooSlow extends Error {
  override readonly name = 'ClientTooSlow';
  constructor() {
    super('the client held a connection up for too long');
  }
}

interface Waiting {
  readonly request: OutgoingRequest;
  readonly head: string;
  readonly handler: AnswerHandler;
}

/** How exact time-outs are: one timer looks after all connections. */
const tickMs = 100;

/** Keep-alive connections to one service, the most recently used first. Whoever calls bounds how many may wait. */
export const createHttpPool = (options: HttpPoolOptions): HttpPool => {
  const { address, maxConnections, connectTimeoutMs, answerTimeoutMs } = options;
  const open = new Set<Connection>();
  const idle: Connection[] = [];
  const line: Waiting[] = [];
  let isClosed = false;
  let nowMs = performance.now();

  const start = (connection: Connection, { request, head, handler }: Waiting): void => {
    connection.assign(handler);
    connection.answerTimeoutMs = request.answerTimeoutMs ?? answerTimeoutMs;
    connection.write(request, head);
  };

  const openOne = (): void => {
    open.add(
      new Connection({
        address,
        now: () => nowMs,
        onAside: serveLine,
        onIdle,
        onClose,
      }),
    );
  };

  /** A slow client costs a connection, and never one of those that the others have. Counts only when there seem to be too many. */
  const hasRoom = (): boolean => {
    if (open.size < maxConnections) return true;
    let active = 0;
    for (const connection of open) if (!connection.isAside) active += 1;
    return active < maxConnections;
  };

  /** One more connection for those that wait, where none is being opened for them. */
  function serveLine(): void {
    if (line.length === 0 || isClosed) return;
    let opening = 0;
    for (const { isConnected } of open) if (!isConnected) opening += 1;
    if (line.length > opening && hasRoom()) openOne();
  }

  function onIdle(connection: Connection): void {
    const next = line.shift();
    if (next === undefined) idle.push(connection);
    else start(connection, next);
  }

  function onClose(connection: Connection, reason: Error | undefined): void {
    open.delete(connection);
    const at = idle.indexOf(connection);
    if (at >= 0) idle.splice(at, 1);
    // It was opened for somebody who waits, and whoever waits longest has waited for it.
    if (!connection.isConnected) line.shift()?.handler.onError(reason ?? new Error('the connection was closed'));
    else serveLine();
  }

  const tick = (): void => {
    nowMs = performance.now();
    for (const connection of open) {
      const waitedMs = nowMs - connection.since;
      if (!connection.isConnected) {
        if (waitedMs > connectTimeoutMs) connection.close(new ServiceTimeout('HTTP1_CONNECT_TIMEOUT'));
      } else if (connection.isWaiting) {
        if (waitedMs > connection.answerTimeoutMs) connection.close(new ServiceTimeout('HTTP1_ANSWER_TIMEOUT'));
      } else if (connection.isHeld) {
        if (waitedMs > longestHeldMs) connection.close(new ClientTooSlow());
      } else if (!connection.isBusy && waitedMs > connection.idleMs) connection.close(idleTooLong);
    }
    // Whose client has fallen silent since the last look.
    for (let left = line.length; left > 0; left -= 1) serveLine();
  };
  const timer = setInterval(tick, tickMs);
  timer.unref();

  return {
    dispatch: (request, handler) => {
      const head = headOf(request, address.hostHeader, handler);
      if (head === undefined) return;
      const connection = idle.pop();
      if (connection !== undefined) {
        start(connection, { request, head, handler });
        return;
      }
      line.push({ request, head, handler });
      if (hasRoom()) openOne();
    },
    close: () => {
      isClosed = true;
      clearInterval(timer);
      for (const connection of open) connection.close(poolClosed);
      for (const { handler } of line.splice(0)) handler.onError(poolClosed);
    },
    endHeld: (leastMs) => {
      let longest: Connection | undefined;
      for (const connection of open) {
        if (connection.isHeld && (longest === undefined || connection.since < longest.since)) longest = connection;
      }
      if (longest === undefined || performance.now() - longest.since < leastMs) return false;
      longest.close(new ClientTooSlow());
      return true;
    },
    get connections() {
      return open.size;
    },
  };
};

const headOf = (request: OutgoingRequest, host: string, handler: AnswerHandler): string | undefined => {
  try {
    return requestHead(request, host);
  } catch (error) {
    handler.onError(error instanceof Error ? error : new TypeError(String(error)));
    return undefined;
  }
};

/** A client that reads nothing at all for so long has gone. */
const longestHeldMs = 60_000;

const idleTooLong = new Error('idle for too long');
const poolClosed = new Error('the pool was closed');
