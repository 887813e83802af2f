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
  /**
   * The store did not answer a refresh: who came back inside an overlap that had just begun again was sent away once more, and may
   * come after its end. What was settled within the last overlap is settled again when the store is back.
   */
  noteOutage(): void;
  readonly size: number;
}

export interface UnsettledOptions {
  readonly sessions: Pick<Sessions, 'settleRotation'>;
  readonly overlapMs: number;
  /** Of a clock that nobody moves. */
  readonly elapsedMs: () => number;
}

interface Settled {
  readonly rotationId: Uint8Array;
  readonly untilMs: number;
}

/**
 * A commit whose outcome the node does not know is settled when the store is back: where the row's rotation id is the node's
 * own, the overlap starts again, so that the client that got a 503 is not taken for a thief however long the store was away.
 */
export const createUnsettledRotations = ({ sessions, overlapMs, elapsedMs }: UnsettledOptions): UnsettledRotations => {
  const open = new Map<SessionId, Uint8Array>();
  /** Their overlaps run. In the order of their ends. */
  const settled = new Map<SessionId, Settled>();

  const forgetOver = (): void => {
    const nowMs = elapsedMs();
    for (const [sessionId, { untilMs }] of settled) {
      if (untilMs > nowMs && settled.size <= maxUnsettled) return;
      settled.delete(sessionId);
    }
  };

  const keepSettled = (sessionId: SessionId, rotationId: Uint8Array): void => {
    settled.delete(sessionId);
    settled.set(sessionId, { rotationId, untilMs: elapsedMs() + overlapMs });
    forgetOver();
  };

  const settleOne = async (sessionId: SessionId, rotationId: Uint8Array): Promise<boolean> => {
    try {
      const isOwn = await sessions.settleRotation({ sessionId, rotationId });
      if (open.get(sessionId) === rotationId) open.delete(sessionId);
      if (isOwn) keepSettled(sessionId, rotationId);
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
      const done = await Promise.all(some.map(([sessionId, rotationId]) => settleOne(sessionId, rotationId)));
      if (done.includes(false)) return;
    }
  };
  let running: Promise<void> | undefined;

  const remember = (sessionId: SessionId, rotationId: Uint8Array): void => {
    const [oldest] = open.keys();
    if (open.size >= maxUnsettled && oldest !== undefined) open.delete(oldest);
    open.set(sessionId, rotationId);
  };

  return {
    get size() {
      return open.size;
    },
    remember,
    settle: () => {
      running ??= settleAll().finally(() => {
        running = undefined;
      });
      return running;
    },
    noteOutage: () => {
      forgetOver();
      for (const [sessionId, { rotationId }] of settled) if (!open.has(sessionId)) remember(sessionId, rotationId);
      settled.clear();
    },
  };
};
