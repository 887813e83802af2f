/** What verifiers fetch: PEM, JWK set, authorization-server metadata. Public, cacheable, never a private member. */
import { Problem, proofAlgorithm } from '@sallyport/contract';
import type { AuthSettings } from '../config.ts';
import type { OpenHandler, RouteAnswer } from '../route.ts';
import type { KeyRing } from '../tokens/public-ring.ts';

export interface KeysHttpOptions {
  readonly ring: KeyRing;
  readonly settings: Pick<AuthSettings, 'issuer' | 'basePath' | 'jwtAlgorithm' | 'jwksMaxAgeSeconds' | 'shape'>;
}

export const createKeysHttp = ({
  ring,
  settings,
}: KeysHttpOptions): Readonly<Record<'publicKey' | 'jwks', OpenHandler>> & {
  readonly serverMetadata?: OpenHandler;
} => {
  const metadata = serverMetadata(settings);
  const cached = (body: object | string, headers: Readonly<Record<string, string>>): RouteAnswer => ({
    status: 200,
    body,
    headers: { 'cache-control': `public, max-age=${settings.jwksMaxAgeSeconds}`, ...headers },
  });
  return {
    publicKey: async () => {
      if (ring.publicPem === undefined) throw new Problem('no_public_key');
      return cached(ring.publicPem, { 'content-type': 'application/x-pem-file' });
    },
    jwks: async () => cached({ keys: ring.publicJwks }, {}),
    ...(metadata && { serverMetadata: async () => cached(metadata, {}) }),
  };
};

/** RFC 8414 §2, where the issuer is a URL; otherwise there is nothing to discover from. */
const serverMetadata = ({
  issuer,
  basePath,
  jwtAlgorithm,
  shape,
}: Omit<KeysHttpOptions['settings'], 'jwksMaxAgeSeconds'>): object | undefined => {
  if (!URL.canParse(issuer) || !/^https?:$/.test(new URL(issuer).protocol)) return undefined;
  const base = issuer.replace(/\/+$/, '');
  return {
    issuer,
    jwks_uri: `${base}/.well-known/jwks.json`,
    token_endpoint: `${base}${basePath}/refresh`,
    revocation_endpoint: `${base}${basePath}/revoke`,
    response_types_supported: [],
    grant_types_supported: ['refresh_token'],
    token_endpoint_auth_methods_supported: ['none'],
    access_token_signing_alg_values_supported: [jwtAlgorithm],
    // RFC 9449 §5.1; devices alone bring a key.
    ...(shape.devices === true && { dpop_signing_alg_values_supported: [proofAlgorithm] }),
  };
};
