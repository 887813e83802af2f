import { isErrorCode, isUserId, Problem, type UserId } from '@sallyport/contract';
import { parseBearer } from '@sallyport/verify';

/** `authorization`: every line of the header; two are refused, where Node would keep the first and drop the other. */
export type WhoCalls = (authorization: readonly string[] | undefined) => Promise<UserId>;

const timeoutMs = 3_000;

/**
 * Asks the issuer whose access token it is (`GET /me`). The preset signs with HS256, whose key only issuer and gateway may hold: who can
 * check such a token can also make one. Asking has a second use: a logout counts here at once. With `JWT_ALGORITHM=ES256` a service would
 * check by itself, with `createAccessTokenVerifier` and `remoteJwks` of `@sallyport/verify`.
 * @throws Problem token_missing, authorization_malformed, the issuer's 401, upstream_unavailable
 */
export const createWhoCalls =
  (authUrl: string, fetch: typeof globalThis.fetch): WhoCalls =>
  async (authorization) => {
    const parsed = parseBearer(authorization ?? []);
    if (!parsed.ok) throw new Problem(parsed.code);
    const { status, body } = await askIssuer(fetch, `${authUrl}/me`, parsed.token);
    if (status === 401) throw new Problem(isErrorCode(body['code']) ? body['code'] : 'token_invalid');
    const id: unknown = Object(body['user'])['id'];
    if (status !== 200 || typeof id !== 'string' || !isUserId(id)) throw new Problem('upstream_unavailable');
    return id;
  };

const askIssuer = async (fetch: typeof globalThis.fetch, url: string, token: string) => {
  try {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    return { status: response.status, body: (await response.json()) as Readonly<Record<string, unknown>> };
  } catch (cause) {
    throw new Problem('upstream_unavailable', { cause });
  }
};
