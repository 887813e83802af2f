import {
  type AssertionClaims,
  assertionLifetimeSeconds,
  assertionVersion,
  identityHeaders,
  Problem,
} from '@sallyport/contract';
import { type AssertionSigner, targetHash, type VerifiedToken } from '@sallyport/verify';
import type { Exchange, Outcome, Step } from '../exchange.ts';
import { type PreparedIdentity, prepareIdentity } from '../identity/prepare-identity.ts';
import type { Upstream } from '../upstreams/upstream.ts';

export interface SignIdentityOptions {
  /** `iss` of the assertions. */
  readonly gatewayId: string;
  /** One signer a service, by the service's id. */
  readonly signers: ReadonlyMap<string, AssertionSigner>;
  /** GATEWAY_SECRET. */
  readonly plainSecret: string | undefined;
  readonly clock: { nowMs(): number };
}

/** Beyond, a service's own header limit would answer for us, and differently with each service. */
const maxIdentityBytes = 4096;

/** Identities prepared for one service, for as long as the verifier holds their tokens. */
type Prepared = WeakMap<VerifiedToken, PreparedIdentity>;

/** Says who calls, to one service, for one method and target, for 30 seconds. Public routes are anonymous. */
export const signIdentity = ({ gatewayId, signers, plainSecret, clock }: SignIdentityOptions): Step => {
  const preparedOf = new Map<string, Prepared>([...signers.keys()].map((id) => [id, new WeakMap()]));

  const prepared = (token: VerifiedToken, { id, isPlain }: Upstream): PreparedIdentity => {
    const held = preparedOf.get(id)?.get(token);
    if (held !== undefined) return held;
    const identity = prepareIdentity(token.claims, isPlain ? plainSecret : undefined);
    preparedOf.get(id)?.set(token, identity);
    return identity;
  };

  const sign = (exchange: Exchange, { id }: Upstream, identity: Partial<AssertionClaims>): string => {
    const signer = signers.get(id);
    if (signer === undefined) throw new Error(`no signer for the service ${id}`);
    const iat = Math.floor(clock.nowMs() / 1000);
    // Spread first: V8 copies the object as it is, and adds members to the copy.
    return signer.sign({
      ...identity,
      ver: assertionVersion,
      iss: gatewayId,
      aud: id,
      iat,
      exp: iat + assertionLifetimeSeconds,
      jti: exchange.requestId,
      cip: exchange.address,
      mth: exchange.req.method ?? '',
      pth: targetHash(exchange.forwardTarget),
    });
  };

  const run = (exchange: Exchange): Outcome => {
    const { route, token } = exchange;
    if (route?.kind !== 'proxy') return undefined;
    const { upstream } = route;
    if (token === undefined) {
      exchange.identityHeaders = [identityHeaders.assertion, sign(exchange, upstream, anonymous)];
      return undefined;
    }
    const identity = prepared(token, upstream);
    if (identity.bytes > maxIdentityBytes) {
      return new Problem('identity_too_large', {
        cause: new Error(`identity of ${identity.bytes} bytes, user ${token.claims.sub}`),
      });
    }
    exchange.identityHeaders = [
      identityHeaders.assertion,
      sign(exchange, upstream, identity.claims),
      ...identity.headers,
    ];
    return undefined;
  };
  return { name: 'sign identity', run };
};

const anonymous = Object.freeze({ anon: true as const });
