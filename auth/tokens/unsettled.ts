import type { SessionId } from '@sallyport/contract';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import { StoreUnavailable } from '@sallyport/storage/contracts/store';

/** Rotations whose outcome this node does not know are remembered up to this number; beyond, the oldest is dropped. */
const maxUnsettled = 10_000;
const settledAtOnce = 256;

export interface UnsettledRotations {
  remember(sessionId: SessionId, rotationId: Uint8Array): void;
  /** Settles what is open, as far as the store answers. Cheap when nothing is. */
  settle(): Promise<void>;
  readonly size: number;
}

/**
 * A commit whose outcome the node does not know is settled when the store is back: where the row's rotation id is the node's
 * own, the overlap starts again, so that the client that got a 503 is not taken for a thief however long the store was away.
 */
export const createUnsettledRotations = (sessions: Pick<Sessions, 'settleRotation'>): UnsettledRotations => {
  const open = new Map<SessionId, Uint8Array>();

  const settleOne = async (sessionId: SessionId, rotationId: Uint8Array): Promise<boolean> => {
    try {
      await sessions.settleRotation({ sessionId, rotationId });
      if (open.get(sessionId) === rotationId) open.delete(sessionId);
      return true;
    } catch (error) {
      if (error instanceof StoreUnavailable) return false;
      throw error;
    }
  };

  /** After an outage every refresh waits for this: one run serves them all, and a batch of the store takes many at once. */
  const settleAll = async (): Promise<void> => {
    while (open.size > 0) {
      const some = [...open].slice(0, settledAtOnce);
      const settled = await Promise.all(some.map(([sessionId, rotationId]) => settleOne(sessionId, rotationId)));
      if (settled.includes(false)) return;
    }
  };
  let running: Promise<void> | undefined;

  return {
    get size() {
      return open.size;
    },
    remember: (sessionId, rotationId) => {
      const [oldest] = open.keys();
      if (open.size >= maxUnsettled && oldest !== undefined) open.delete(oldest);
      open.set(sessionId, rotationId);
    },
    settle: () => {
      running ??= settleAll().finally(() => {
        running = undefined;
      });
      return running;
    },
  };
};
