/** What the command line may do to somebody's sessions and devices. */
import type { SessionId } from '@sallyport/contract';
import type { User } from '@sallyport/storage/contracts/accounts';
import type { Device } from '@sallyport/storage/contracts/devices';
import type { Session } from '@sallyport/storage/contracts/sessions';
import type { Storage } from '@sallyport/storage/contracts/storage';
import type { ActContext } from '@sallyport/storage/contracts/store';

/** As many as a user may have. */
const listLimit = 10_000;

export const listSessions = ({ sessions }: Storage, { id, sessionEpoch }: User): Promise<readonly Session[]> =>
  sessions.listSessions({ userId: id, sessionEpoch, limit: listLimit });

/** False: no live session of this id. */
export const endSession = ({ sessions }: Storage, sessionId: SessionId, context: ActContext): Promise<boolean> =>
  sessions.endSession({ sessionId, cause: 'revoked', context });

/** As a logout of everything: first the epochs, then the rows. */
export const endAllSessions = async (
  { accounts, sessions }: Storage,
  { id: userId }: User,
  context: ActContext,
): Promise<void> => {
  await accounts.endAllSessions(userId, context);
  await sessions.endSessionsOfUser({ userId, cause: 'revoked', context });
};

export const listDevices = ({ devices }: Storage, { id }: User): Promise<readonly Device[]> => devices.listDevices(id);
