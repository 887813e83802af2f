import { Problem } from '@sallyport/contract';
import { createProofChecker, type ProofVerdict, publicUrlOf, requestUri, type VerifiedToken } from '@sallyport/verify';
import type { GatewaySettings } from '../config.ts';
import type { Exchange, Outcome } from '../exchange.ts';
import type { Pace } from '../pace.ts';
import type { ProofUseOutcome, ProofUses } from './open-proofs.ts';

export interface DemandProofOptions {
  readonly settings: Pick<
    GatewaySettings,
    'publicUrl' | 'tlsCertPath' | 'port' | 'portOffset' | 'clockLeewaySeconds' | 'proofMaxAgeSeconds'
  >;
  readonly clock: { nowMs(): number };
  readonly uses: ProofUses;
  readonly pace: Pace;
}

/** Undefined: the request shows the key that its access token is bound to, for the first time with this proof. */
export type DemandProof = (
  exchange: Pick<Exchange, 'method' | 'path' | 'headers' | 'res'>,
  accessToken: string,
  verified: VerifiedToken,
) => Outcome | Promise<Outcome>;

const retry = { params: { retryAfterSeconds: 1 }, retryAfterSeconds: 1 } as const;

const outcomeOf = (use: ProofUseOutcome): Outcome => {
  switch (use) {
    case 'first':
      return undefined;
    case 'replayed':
      return new Problem('proof_replayed');
    case 'full':
      return new Problem('busy', { ...retry, cause: new Error('proofs in use are more than are remembered') });
    case 'away':
      return new Problem('store_unavailable', {
        ...retry,
        cause: new Error('Redis does not say whether a proof was used'),
      });
  }
};

/**
 * RFC 9449 §7: judges the `DPoP` header of a request whose access token is good. A signature is checked in the line of all others, and only
 * for a proof that names the token's own key, this method, this URL and this token.
 */
export const createDemandProof = ({ settings, clock, uses, pace }: DemandProofOptions): DemandProof => {
  const { clockLeewaySeconds: leewaySeconds, proofMaxAgeSeconds: maxAgeSeconds } = settings;
  const publicUrl = publicUrlOf(settings.publicUrl ?? ownUrl(settings));
  const check = createProofChecker({ clock, leewaySeconds, maxAgeSeconds });

  const remember = (verdict: ProofVerdict): Outcome | Promise<Outcome> => {
    if (!verdict.ok) return new Problem('proof_invalid', { cause: new Error(`proof refused: ${verdict.reason}`) });
    const use = uses.use(verdict);
    return use instanceof Promise ? use.then(outcomeOf) : outcomeOf(use);
  };
  return ({ method, path, headers, res }, accessToken, { boundKeyThumbprint: thumbprint }) => {
    const [proof, ...more] = headers.dpop;
    if (proof === undefined) return new Problem('proof_required');
    // RFC 9449 §4.3: "There is not more than one DPoP HTTP request header field."
    if (more.length > 0) return new Problem('proof_invalid', { cause: new Error('proof refused: ambiguous') });
    const request = { method, uri: requestUri(publicUrl, path), thumbprint, accessToken };
    const verdict = pace.run(() => check(proof, request), res);
    return verdict instanceof Promise ? verdict.then(remember) : remember(verdict);
  };
};

/** As somebody on this machine has it. */
const ownUrl = ({ tlsCertPath, port, portOffset }: DemandProofOptions['settings']): string =>
  `${tlsCertPath === undefined ? 'http' : 'https'}://localhost:${port + portOffset}`;
