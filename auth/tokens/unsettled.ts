import type { SessionId } from '@sallyport/contract';
import type { Sessions } from '@sallyport/storage/contracts/sessions';
import { StoreUnavailable } from '@sallyport/storage/contracts/store';

/** Rotations whose outcome this node does not know are remembered up to this number; beyond, the oldest is dropped. */
const maxUnsettled = 10_000;

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

  return {
    get size() {
      return open.size;
    },
    remember: (sessionId, rotationId) => {
      const [oldest] = open.keys();
      if (open.size >= maxUnsettled && oldest !== undefined) open.delete(oldest);
      open.set(sessionId, rotationId);
    },
    settle: async () => {
      for (const [sessionId, rotationId] of open) {
        if (!(await settleOne(sessionId, rotationId))) return;
      }
    },
  };
};
