import type { Random } from '@sallyport/kit/random';
import type { Session, Sessions } from '@sallyport/storage/contracts/sessions';
import type { ActContext } from '@sallyport/storage/contracts/store';
import type { RefreshTokens } from './refresh-token.ts';

export interface RenewSessionOptions {
  readonly sessions: Sessions;
  readonly tokens: RefreshTokens;
  readonly random: Pick<Random, 'bytes'>;
  readonly idleTtlMs: number;
}

/** A refresh of the same session may win the row meanwhile; then the next generation is tried. */
const maxTries = 8;
const saltBytes = 16;

/**
 * Moves a session to a new generation under a new salt on the server's own account (password change), whether rotation is on or
 * off. refresh.md: after a 200 to a password change no refresh token works. With the salt gone, one that was copied before is no
 * predecessor with an overlap of its own, and its honest holder in another tab no thief. Undefined: the session does not live any more.
 */
export const createSessionRenewer = (
  options: RenewSessionOptions,
): ((session: Session, context: ActContext) => Promise<{ session: Session; refreshToken: string } | undefined>) => {
  const { sessions, tokens, random, idleTtlMs } = options;
  return async function renewSession(session, context) {
    let row: Session | undefined = session;
    for (let tries = 0; tries < maxTries && row !== undefined && row.revokedAtMs === undefined; tries += 1) {
      const newGeneration: number = row.generation + 1;
      const newSalt = random.bytes(saltBytes);
      const refreshToken = tokens.derive({ id: row.id, salt: newSalt, generation: newGeneration, ...tokens.current });
      const tokenHash = tokens.hash(refreshToken, tokens.current.hashKeyId);
      if (tokenHash === undefined) throw new Error('the current refresh secret is not held');
      const { value } = await sessions.rotateSession({
        sessionId: row.id,
        expectedGeneration: row.generation,
        newGeneration,
        ...tokens.current,
        tokenHash,
        rotationId: random.bytes(16),
        newSalt,
        idleTtlMs,
        context,
      });
      if (value.won) {
        const { sessionEpoch } = value;
        return { session: { ...row, generation: newGeneration, salt: newSalt, sessionEpoch }, refreshToken };
      }
      row = value.session;
    }
    return undefined;
  };
};
