/**
 * @sallyport/verify: what services, the gateway and the issuer stand on. It verifies access tokens and gateway assertions
 * and says who calls. It never issues an access token, never stores anything, never calls the issuer per request, and
 * never believes a header that is not signed. Adapters have entries of their own (`/fetch`, `/node`, `/express`,
 * `/fastify`, `/hono`), and so have a service's own spans (`/trace`).
 */
export type { AccessTokenVerifierOptions, LegacyAllowances, TrustedIssuer } from './access/policy.ts';
export type {
  Refusal,
  RefusalCode,
  RefusalReason,
  RevocationState,
  RevocationSubject,
  Verification,
  VerifiedToken,
} from './access/refusal.ts';
export { type AccessTokenVerifier, createAccessTokenVerifier } from './access/verify-access-token.ts';
export { assertionKey } from './assertions/assertion-key.ts';
export { type AssertionSigner, createAssertionSigner, type RequestClaims } from './assertions/assertion-signer.ts';
export { targetHash } from './assertions/target-hash.ts';
export {
  type AssertionKey,
  type AssertionReason,
  type AssertionTarget,
  type AssertionVerification,
  type AssertionVerifier,
  type AssertionVerifierOptions,
  createAssertionVerifier,
} from './assertions/verify-assertion.ts';
export { type Answer, problemAnswer } from './guard/answer.ts';
export { type AssertionGuard, createGuard, type GuardOptions } from './guard/assertion-guard.ts';
export { type BearerGuardOptions, createBearerGuard } from './guard/bearer-guard.ts';
export type { BoundTokensOptions } from './guard/bound-tokens.ts';
export { assertionKeysFrom } from './guard/environment.ts';
export type { Caller, Guard, GuardDecision, GuardRequest, OnRefusal } from './guard/guard.ts';
export type { Anonymous, Identity, PlainClaims } from './guard/identity.ts';
export { isIdentityHeader } from './guard/identity-header.ts';
export type { GuardMode } from './guard/mode.ts';
export { type AuthorizationParse, parseAuthorization } from './guard/parse-authorization.ts';
export { type BearerParse, parseBearer } from './guard/parse-bearer.ts';
export { requirePermission, requireRole, requireUser } from './guard/require.ts';
export { hmacKeyId } from './keys/hmac-key-id.ts';
export { joinedKeys } from './keys/joined-keys.ts';
export { jwkThumbprint } from './keys/jwk-thumbprint.ts';
export type { KeySet, KeySource, RemoteKeySource, VerificationKey } from './keys/key-source.ts';
export { publicKeysFromPem } from './keys/public-keys-from-pem.ts';
export { remoteJwks } from './keys/remote-jwks.ts';
export type { RemoteKeysOptions } from './keys/remote-keys.ts';
export { remotePem } from './keys/remote-pem.ts';
export { type SharedSecret, sharedSecrets } from './keys/shared-secrets.ts';
export { staticJwks } from './keys/static-jwks.ts';
export {
  type CheckedProof,
  type CheckProof,
  createProofChecker,
  type ProofCheckerOptions,
  type ProofReason,
  type ProofVerdict,
  type ProvedRequest,
} from './proof/check-proof.ts';
export { bornAtMs, type ProofUse } from './proof/proof-memory.ts';
export { publicUrlOf, requestUri } from './proof/request-uri.ts';
export { openRevocationFeed, type RevocationFeed, type RevocationFeedOptions } from './revocations/revocation-feed.ts';
export { revocationFeeds } from './revocations/revocation-feeds.ts';
export { createTlsFetch, type TlsFetchOptions, tlsFetchFrom } from './tls/tls-fetch.ts';
export { type TracedRequest, traceFields, traceHeaders, traceOf } from './trace/trace-of.ts';
