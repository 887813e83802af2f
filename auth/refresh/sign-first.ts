/**
 * A refresh where signing may fail: the token is signed before anything is changed, so that one that cannot be signed has spent nothing.
 * Whoever had a right to a successor and was sent away is let in when signing works again, however long that took: his overlap starts
 * anew. Of this node's memory alone, as with rotations that are not settled.
 */
import type { SessionId } from '@sallyport/contract';
import type { Accounts } from '@sallyport/storage/contracts/accounts';
import type { Session } from '@sallyport/storage/contracts/sessions';
import type { AheadToken, SignAhead } from '../tokens/sign-ahead.ts';
import type { UnsettledRotations } from '../tokens/unsettled.ts';

export interface SignFirstOptions {
  /** Undefined: signing never fails. */
  readonly signAhead?: SignAhead;
  readonly accounts: Pick<Accounts, 'findUser'>;
  readonly unsettled: UnsettledRotations;
}

export interface SignedFirst {
  readonly ahead: AheadToken | undefined;
  /** Others, or this one, were let in again: the row is to be judged anew. */
  readonly judgeAgain: boolean;
}

const maxSentAway = 10_000;

export const createSignFirst = ({ signAhead, accounts, unsettled }: SignFirstOptions) => {
  const sentAway = new Map<SessionId, Uint8Array>();

  const sendAway = ({ id, rotationId }: Session): void => {
    const [oldest] = sentAway.keys();
    if (sentAway.size >= maxSentAway && oldest !== undefined) sentAway.delete(oldest);
    sentAway.set(id, rotationId);
  };

  const letIn = async (): Promise<boolean> => {
    if (sentAway.size === 0) return false;
    for (const [sessionId, rotationId] of sentAway) unsettled.remember(sessionId, rotationId);
    sentAway.clear();
    await unsettled.settle();
    return true;
  };

  /** What is told is read once more after the rotation: this only decides whether there is somebody to sign for. */
  const sign = async (session: Session): Promise<AheadToken | undefined> => {
    const user = await accounts.findUser(session.userId);
    const isRefused = user === undefined || user.deletedAtMs !== undefined || user.disabledAtMs !== undefined;
    return isRefused || user.sessionEpoch !== session.sessionEpoch ? undefined : signAhead?.sign(user, session);
  };

  return {
    isNeeded: (): boolean => signAhead?.isNeeded() === true,
    /** @param isFollower it holds the token before the current one, with a right to the successor */
    signFirst: async (session: Session, isFollower: boolean): Promise<SignedFirst> => {
      let ahead: AheadToken | undefined;
      try {
        ahead = await sign(session);
      } catch (error) {
        if (isFollower) sendAway(session);
        throw error;
      }
      return { ahead, judgeAgain: ahead !== undefined && (await letIn()) };
    },
  };
};
