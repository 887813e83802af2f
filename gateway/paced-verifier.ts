import type { TokenType } from '@sallyport/contract';
import type { AccessTokenVerifier, Verification } from '@sallyport/verify';
import type { Asker, Pace } from './pace.ts';

export interface PacedVerifier {
  /** @param asker where it goes away while it waits, nothing is checked for it and the promise stays open */
  verify(token: string, scheme?: TokenType, asker?: Asker): Verification | Promise<Verification>;
  /** What is known of a token that was good before, judged anew but for its signature. */
  seen(token: string): Verification | undefined;
}

/** A verifier in the line of all signatures. Tokens that were seen before never wait. */
export const paceVerifier = (verifier: Pick<AccessTokenVerifier, 'verify' | 'seen'>, pace: Pace): PacedVerifier =>
  Object.freeze<PacedVerifier>({
    seen: verifier.seen,
    verify: (token, scheme, asker) =>
      verifier.seen(token, scheme) ?? pace.run(() => verifier.verify(token, scheme), asker),
  });
