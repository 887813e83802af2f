/** Compiled in the folder into which the tarballs were installed: their declarations say what they say here, and hold together. */
import { type ApiClient, createApiClient, createTokenManager, memoryStore } from '@sallyport/client';
import { openProofKey } from '@sallyport/client/proof-key';
import { errorCatalogue } from '@sallyport/contract';
import {
  createAccessTokenVerifier,
  type Identity,
  remoteJwks,
  requireRole,
  type Verification,
} from '@sallyport/verify';
import { guardNode } from '@sallyport/verify/node';

const tokens = createTokenManager({ authUrl: 'http://localhost:8080/api/v1/auth', store: memoryStore() });
export const api: ApiClient = createApiClient({ baseUrl: 'http://localhost:8080/api/v1', tokens });
export const keys = remoteJwks({ url: 'http://localhost:8081/.well-known/jwks.json' });
export const verify = (token: string): Verification | Promise<Verification> =>
  createAccessTokenVerifier({
    issuers: [{ issuer: 'auth-service', audience: 'sallyport', algorithms: ['ES256'], keys }],
  }).verify(token);
export const role = (identity: Identity): string => requireRole(identity, 'customer').userId;
export const status: number = errorCatalogue.token_invalid.status;
export const others = [openProofKey, guardNode];
// @ts-expect-error: no such option. Declarations that could not be read would make everything `any`, and this line no error.
createTokenManager({ authUrl: 'http://localhost:8080', store: memoryStore(), transprot: 'cookie' });
