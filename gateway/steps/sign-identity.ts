import { assertionLifetimeSeconds, assertionVersion, identityHeaders, Problem } from '@sallyport/contract';
import { type AssertionSigner, type RequestClaims, targetHash, type VerifiedToken } from '@sallyport/verify';
import type { Exchange, Outcome, Step } from '../exchange.ts';
import { type PreparedIdentity, prepareIdentity } from '../identity/prepare-identity.ts';
import type { Upstream } from '../upstreams/upstream.ts';

export interface SignIdentityOptions {
  /** `iss` of the assertions. */
  readonly gatewayId: string;
  /** One signer a service, by the service's id. */
  readonly signers: ReadonlyMap<string, AssertionSigner>;
  /** Several issuers are trusted: assertions say whose token it was. Default false. */
  readonly namesIssuer?: boolean;
  /** GATEWAY_SECRET. */
  readonly plainSecret: string | undefined;
  readonly clock: { nowMs(): number };
}

/** Beyond, a service's own header limit would answer for us, and differently with each service. */
const maxIdentityBytes = 4096;

type Sign = (request: RequestClaims) => string;

/** One token's caller as one service is told of him. */
interface PreparedCaller extends Pick<PreparedIdentity, 'headers' | 'bytes'> {
  readonly sign: Sign;
}

interface ServiceIdentity {
  readonly anonymous: Sign;
  /** Given the caller's claims as JSON text. */
  prepare(claims: PreparedIdentity['json']): Sign;
}

/** Says who calls, to one service, for one method and target, for 30 seconds. Public routes are anonymous. */
export const signIdentity = ({
  gatewayId,
  signers,
  namesIssuer = false,
  plainSecret,
  clock,
}: SignIdentityOptions): Step => {
  // By upstream and not by id: a reload may mark a service anew.
  const services = new WeakMap<Upstream, ServiceIdentity>();
  const hashOf = createTargetHashes();

  const serviceOf = (upstream: Upstream): ServiceIdentity => {
    const held = services.get(upstream);
    if (held !== undefined) return held;
    const { id } = upstream;
    const signer = signers.get(id);
    if (signer === undefined) throw new Error(`no signer for the service ${id}`);
    const common = JSON.stringify({ ver: assertionVersion, iss: gatewayId, aud: id }).slice(1);
    const service: ServiceIdentity = {
      anonymous: signer.prepare(`{"anon":true,${common}`),
      prepare: (claims) => signer.prepare(`${claims.slice(0, -1)},${common}`),
    };
    services.set(upstream, service);
    return service;
  };

  const callerOf = (token: VerifiedToken, upstream: Upstream): PreparedCaller => {
    const service = serviceOf(upstream);
    const held = preparedFor(service, token);
    if (held !== undefined) return held;
    const { json, headers, bytes } = prepareIdentity(
      token.claims,
      upstream.isPlain ? plainSecret : undefined,
      namesIssuer,
    );
    const caller = { sign: service.prepare(json), headers, bytes };
    token.prepared.push(service, caller);
    return caller;
  };

  const requestClaims = ({ requestId, address, method, forwardTarget }: Exchange): RequestClaims => {
    const iat = Math.floor(clock.nowMs() / 1000);
    const exp = iat + assertionLifetimeSeconds;
    return { iat, exp, jti: requestId, cip: address, mth: method, pth: hashOf(forwardTarget) };
  };

  const run = (exchange: Exchange): Outcome => {
    const { route, token } = exchange;
    if (route?.kind !== 'proxy') return undefined;
    const { upstream } = route;
    if (token === undefined) {
      exchange.identityHeaders = [identityHeaders.assertion, serviceOf(upstream).anonymous(requestClaims(exchange))];
      return undefined;
    }
    const { sign, headers, bytes } = callerOf(token, upstream);
    if (bytes > maxIdentityBytes) {
      return new Problem('identity_too_large', {
        cause: new Error(`identity of ${bytes} bytes, user ${token.claims.sub}`),
      });
    }
    exchange.identityHeaders = [identityHeaders.assertion, sign(requestClaims(exchange)), ...headers];
    return undefined;
  };
  return { name: 'sign identity', run };
};

const preparedFor = (service: ServiceIdentity, { prepared }: VerifiedToken): PreparedCaller | undefined => {
  const at = prepared.indexOf(service);
  // Only `callerOf` writes behind a service.
  return at < 0 ? undefined : (prepared[at + 1] as PreparedCaller);
};

/** Targets repeat more often than not; beyond this many the memory is begun anew. */
const rememberedTargets = 4096;
/** A longer one is hardly asked for twice. */
const longestRemembered = 256;

const createTargetHashes = (): ((target: string) => string) => {
  const known = new Map<string, string>();
  return (target) => {
    const found = known.get(target);
    if (found !== undefined) return found;
    const hashed = targetHash(target);
    if (known.size >= rememberedTargets) known.clear();
    if (target.length <= longestRemembered) known.set(target, hashed);
    return hashed;
  };
};
