import type { RevocationFeed } from '@sallyport/verify';
import type { Exchange } from './exchange.ts';

export interface OpenExchanges {
  /** An answer of a service is on its way to somebody who was identified. */
  add(exchange: Exchange): void;
  remove(exchange: Exchange): void;
  /** Cuts every exchange whose token has expired or was revoked. */
  cutDead(): void;
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
  const open = new Set<Exchange>();

  const isDead = ({ token }: Exchange, now: number): boolean => {
    if (token === undefined) return false;
    if (now >= token.expiresAtMs + leewayMs) return true;
    const state = revocations.isRevoked(token.subject);
    return state === 'revoked' || state === 'stale';
  };

  return {
    add: (exchange) => {
      if (exchange.token !== undefined) open.add(exchange);
    },
    remove: (exchange) => void open.delete(exchange),
    cutDead: () => {
      const now = nowMs();
      const spared = elapsedMs() - spareMs;
      for (const exchange of open) {
        if ((!exchange.isEndless && exchange.startedMs > spared) || !isDead(exchange, now)) continue;
        open.delete(exchange);
        exchange.decision = 'cut';
        exchange.cancel?.();
        exchange.res.destroy();
      }
    },
    get size() {
      return open.size;
    },
  };
};
