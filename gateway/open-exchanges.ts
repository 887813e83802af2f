import type { RevocationFeed } from '@sallyport/verify';
import type { Exchange } from './exchange.ts';
import { sayGoingAway } from './upstreams/tunnel.ts';

export interface OpenExchanges {
  /** An answer of a service is on its way. */
  add(exchange: Exchange): void;
  remove(exchange: Exchange): void;
  /** Cuts every exchange whose token has expired or was revoked. */
  cutDead(): void;
  /** Ends what would never end by itself, since the gateway stops. */
  endAll(): void;
  readonly size: number;
}

export interface OpenExchangesOptions {
  readonly revocations: Pick<RevocationFeed, 'isRevoked'>;
  readonly nowMs: () => number;
  readonly elapsedMs: () => number;
  readonly leewayMs: number;
}

/**
 * An answer that is not endless is spared for so long: the answer to a logout is on its way exactly when its own session ends.
 */
const spareMs = 10_000;

/**
 * Exchanges under way, so that long answers, event streams and WebSockets do not outlive the token that opened them. Whoever was
 * let in and cannot be judged at the moment stays in: what is unknown is refused at the door.
 */
export const createOpenExchanges = (options: OpenExchangesOptions): OpenExchanges => {
  const { revocations, nowMs, elapsedMs, leewayMs } = options;
  // An array with places, not a Set: whoever adds to and deletes from a Set thousands of times a second makes a new table every few
  // hundred requests, each dead table holds on to the next (V8, OrderedHashTable::SetNextTable), and with it to what stood in it.
  const open: Exchange[] = [];
  const remove = (exchange: Exchange): void => {
    const { openPlace } = exchange;
    if (openPlace < 0) return;
    exchange.openPlace = -1;
    const last = open.pop();
    if (last === undefined || last === exchange) return;
    open[openPlace] = last;
    last.openPlace = openPlace;
  };

  const isDead = ({ token }: Exchange, now: number): boolean => {
    if (token === undefined) return false;
    if (now >= token.expiresAtMs + leewayMs) return true;
    const state = revocations.isRevoked(token.subject);
    return state === 'revoked' || state === 'stale';
  };

  return {
    add: (exchange) => {
      exchange.openPlace = open.push(exchange) - 1;
    },
    remove,
    cutDead: () => {
      const now = nowMs();
      const spared = elapsedMs() - spareMs;
      for (const exchange of [...open]) {
        if ((!exchange.isEndless && exchange.startedMs > spared) || !isDead(exchange, now)) continue;
        remove(exchange);
        exchange.decision = 'cut';
        exchange.underWay?.cancel();
        // A WebSocket has just been told why it ends.
        if (!exchange.isUpgrade) exchange.res.destroy();
      }
    },
    endAll: () => {
      for (const exchange of [...open]) {
        if (!exchange.isEndless) {
          // RFC 9112 §9.6: its answer says that no other follows; a head that has gone out cannot.
          if (!exchange.res.headersSent) exchange.res.shouldKeepAlive = false;
          continue;
        }
        if (exchange.res.statusCode === 101) sayGoingAway(exchange.req.socket);
        exchange.underWay?.cancel();
        if (!exchange.isUpgrade) exchange.res.destroy();
      }
    },
    get size() {
      return open.length;
    },
  };
};
