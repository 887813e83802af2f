import { createPublicKey, verify as cryptoVerify, generateKeyPairSync, sign } from 'node:crypto';
import { systemRandom } from '@sallyport/kit/random';
import { createAccessTokenVerifier, jwkThumbprint, publicKeysFromPem } from '@sallyport/verify';
import { createVerifier } from 'fast-jwt';
import { jwtVerify } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import type { BenchResult } from './judge.ts';
import { type Figure, measureInTurn } from './measure.ts';

const rounds = 7;
const unseenPerRound = 400;
const seenPerRound = 100_000;

/** Verifying RS256 access tokens: each token once (unseen), and one token again and again (seen). */
export const benchVerify = async (): Promise<BenchResult> => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const kid = jwkThumbprint(createPublicKey(privateKey));
  const tokens = Array.from({ length: unseenPerRound * rounds }, () =>
    accessToken(kid, (input) => sign('sha256', input, privateKey)),
  );
  const token = (index: number): string => tokens[index % tokens.length] ?? '';
  const ours = (cache: false | object) =>
    createAccessTokenVerifier({
      issuers: [{ issuer: 'bench', audience: 'bench', algorithms: ['RS256'], keys: publicKeysFromPem(publicPem) }],
      cache,
    });
  const options = { allowedIss: 'bench', allowedAud: 'bench', algorithms: ['RS256' as const] };
  const fastJwt = createVerifier({ key: publicPem, ...options });
  const fastJwtCached = createVerifier({ key: publicPem, ...options, cache: 10_000 });
  const joseOptions = { issuer: 'bench', audience: 'bench', algorithms: ['RS256'], typ: 'at+jwt' };
  const withoutCache = ours(false);
  const withCache = ours({});
  const unseen = await measureInTurn(
    [
      { name: 'raw crypto.verify', run: (index) => rawVerify(token(index), publicKey) },
      { name: 'sallyport', run: (index) => mustPass(withoutCache.verify(token(index))) },
      { name: 'fast-jwt', run: (index) => fastJwt(token(index)) },
      { name: 'jsonwebtoken', run: (index) => jsonwebtoken.verify(token(index), publicPem, { algorithms: ['RS256'] }) },
      { name: 'jose', run: (index) => jwtVerify(token(index), publicKey, joseOptions) },
    ],
    { rounds, operations: unseenPerRound },
  );
  const one = token(0);
  const seen = await measureInTurn(
    [
      { name: 'sallyport', run: () => withCache.verify(one) },
      { name: 'fast-jwt cached', run: () => fastJwtCached(one) },
    ],
    { rounds, operations: seenPerRound },
  );
  return {
    figures: { unseen, seen },
    verdicts: [
      {
        what: 'verify unseen RS256, of raw crypto.verify',
        measured: perSecond(unseen, 'sallyport') / perSecond(unseen, 'raw crypto.verify'),
        unit: 'x',
        atLeast: 0.8,
      },
      { what: 'verify seen', measured: perSecond(seen, 'sallyport'), unit: '/s', atLeast: 1_000_000 },
    ],
  };
};

const perSecond = (figures: readonly Figure[], name: string): number =>
  figures.find((figure) => figure.name === name)?.perSecond ?? Number.NaN;

const mustPass = (verification: unknown): void => {
  if (typeof verification !== 'object' || verification === null || Reflect.get(verification, 'ok') !== true) {
    throw new Error('a good token was refused');
  }
};

const rawVerify = (token: string, key: ReturnType<typeof createPublicKey>): void => {
  const dot = token.lastIndexOf('.');
  const good = cryptoVerify(
    'sha256',
    Buffer.from(token.slice(0, dot)),
    key,
    Buffer.from(token.slice(dot + 1), 'base64url'),
  );
  if (!good) throw new Error('a good signature was refused');
};

const accessToken = (kid: string, signInput: (input: Buffer) => Buffer): string => {
  const now = Math.floor(Date.now() / 1000);
  const id = () => systemRandom.uuidv7(Date.now());
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    iss: 'bench',
    aud: 'bench',
    sub: id(),
    client_id: 'default',
    iat: now,
    nbf: now,
    exp: now + 3600,
    jti: id(),
    sid: id(),
    uep: 1,
    auth_time: now,
    amr: ['pwd'],
    roles: ['user'],
    email: 'ada@example.org',
    name: 'Ada',
  };
  const input = `${part({ alg: 'RS256', typ: 'at+jwt', kid })}.${part(claims)}`;
  return `${input}.${signInput(Buffer.from(input)).toString('base64url')}`;
};
