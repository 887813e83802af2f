import { createHmac } from 'node:crypto';

export type Json = Readonly<Record<string, unknown>>;
/** Signs the signing input of a compact JWS. */
export type Sign = (input: string) => Buffer;

export const encode = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url');

export const hmacSigner =
  (secret: string | Uint8Array, hash = 'sha256'): Sign =>
  (input) =>
    createHmac(hash, secret).update(input).digest();

/** A token of any two texts. */
export const forgeText = (sign: Sign, header: string, payload: string): string => {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${sign(input).toString('base64url')}`;
};

export interface DecodedToken {
  readonly header: Json;
  readonly claims: Json;
}

export const decodeToken = (token: string): DecodedToken => {
  const [header = '', payload = ''] = token.split('.');
  const read = (part: string): Json => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Json;
  return { header: read(header), claims: read(payload) };
};

/** A good token with some members changed; a member given as undefined is left out. */
export const changeToken = (token: string, sign: Sign, claims: Json = {}, header: Json = {}): string => {
  const good = decodeToken(token);
  return forgeText(sign, JSON.stringify({ ...good.header, ...header }), JSON.stringify({ ...good.claims, ...claims }));
};
