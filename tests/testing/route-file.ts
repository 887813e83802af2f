import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { forgeText, hmacSigner, type Json } from './forge.ts';
import type { Installation } from './microservices.ts';

export interface RouteFileOnDisk {
  readonly path: string;
  /** Replaces it in one step, as an orchestrator does. */
  replace(content: Json | string): void;
}

/** JSON is YAML. */
export const routeFile = ({ folder }: Installation, content: Json | string): RouteFileOnDisk => {
  const path = join(folder.path, 'routes.yaml');
  const replace = (next: Json | string): void => {
    writeFileSync(`${path}.next`, typeof next === 'string' ? next : JSON.stringify(next));
    renameSync(`${path}.next`, path);
  };
  replace(content);
  return { path, replace };
};

/** Whom `mintToken` and `mintCsrf` speak of. */
export const mintedUser = '0192f0c1-2b3c-7d4e-8f50-112233445566';
const mintedSession = '0192f0c1-2b3c-7d4e-8f50-aabbccddeeff';

/** gateway.md: `hs` and 9 bytes of an HMAC say which secret signed. */
const keyId = (secret: string): string =>
  `hs${createHmac('sha256', secret).update('sallyport/kid/1').digest().subarray(0, 9).toString('base64url')}`;

/** An access token of the installation's issuer, which need not run. */
export const mintToken = ({ gatewaySettings }: Installation, claims: Json = {}): string => {
  const now = Math.floor(Date.now() / 1000);
  const secret = gatewaySettings['JWT_SECRET'] ?? '';
  const good = {
    iss: 'auth-service',
    aud: 'sallyport',
    client_id: 'default',
    sub: mintedUser,
    sid: mintedSession,
    uep: 0,
    jti: randomUUID(),
    iat: now,
    nbf: now,
    exp: now + 900,
    email: 'ann@example.com',
  };
  const header = { alg: 'HS256', typ: 'at+jwt', kid: keyId(secret) };
  return forgeText(hmacSigner(secret), JSON.stringify(header), JSON.stringify({ ...good, ...claims }));
};

/** A CSRF token of the same session: kid, nonce, MAC cut to 16 bytes. */
export const mintCsrf = ({ gatewaySettings }: Installation): string => {
  const [kid = '', key = ''] = gatewaySettings['CSRF_KEYS']?.split(':') ?? [];
  const nonce = randomBytes(15);
  const mac = createHmac('sha256', Buffer.from(key, 'base64url')).update('sallyport/csrf/1').update(mintedSession);
  return Buffer.concat([Buffer.of(Number(kid)), nonce, mac.update(nonce).digest().subarray(0, 16)]).toString('base64');
};
