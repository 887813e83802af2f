import type { Announcement } from './payments.ts';

/** `retry`: not now; the announcement stays in the outbox. `refused`: never, whatever is repeated. */
export type NotifyOutcome = 'told' | 'retry' | 'refused';

export interface NotifyParts {
  /** The notification service's private listener. */
  readonly url: string;
  readonly token: string;
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
}

const timeoutMs = 5_000;
/** A token that is about to be changed, a service that is about to start, or one that is busy: waiting helps. */
const worthRepeating: ReadonlySet<number> = new Set([401, 404, 408, 429]);

/**
 * Tells the notification service, by its private listener and with a secret that only the two of them hold. Not through the
 * gateway: no user asks for this, and a service that could speak for users there would be a second way in. And not with the
 * user's own assertion: that one is bound to this service, this request and thirty seconds.
 */
export const createNotify =
  ({ url, token, fetch = globalThis.fetch }: NotifyParts): ((announcement: Announcement) => Promise<NotifyOutcome>) =>
  async ({ id, userId, text }) => {
    try {
      const { ok, status } = await fetch(`${url}/v1/notifications`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ id, user_id: userId, text }),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (ok) return 'told';
      return status >= 500 || worthRepeating.has(status) ? 'retry' : 'refused';
    } catch {
      // Nobody answers: the outbox keeps it.
      return 'retry';
    }
  };
