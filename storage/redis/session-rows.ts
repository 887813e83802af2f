import type { DeviceId, EpochMs, SessionId, UserId } from '@sallyport/contract';
import type { Sealer } from '@sallyport/kit/seal';
import type { EndCause, NewSession, Session } from '../contracts/sessions.ts';
import { openOrigin, sealOrigin } from '../sealed-columns.ts';
import { realmOfShard, type Shard } from './keys.ts';

const text = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
const bytes = (value: string | undefined): Uint8Array => Buffer.from(value ?? '', 'base64url');

export const bytesText = text;

/** What never changes in a session's life; one field, since nothing asks for a part of it. */
type Fixed = Pick<
  NewSession,
  'clientId' | 'scope' | 'audience' | 'amr' | 'acr' | 'boundKeyThumbprint' | 'proofRequired' | 'label'
>;

const sessionFormat = 1;

const fixedOf = ({
  clientId,
  scope,
  audience,
  amr,
  acr,
  boundKeyThumbprint,
  proofRequired,
  label,
}: Fixed): Fixed & { readonly format: number } => ({
  format: sessionFormat,
  clientId,
  amr,
  proofRequired,
  ...(scope !== undefined && { scope }),
  ...(audience !== undefined && { audience }),
  ...(acr !== undefined && { acr }),
  ...(boundKeyThumbprint !== undefined && { boundKeyThumbprint }),
  ...(label !== undefined && { label }),
});

export const fixedText = (session: Fixed): string => JSON.stringify(fixedOf(session));

/** Fields and values that the caller knows; those that depend on the store's clock are the script's. */
export const fieldsOf = (session: NewSession, sealer: Sealer): readonly (string | number)[] => [
  ...['d', fixedText(session)],
  ...['e', session.sessionEpoch],
  ...['k', session.keyId],
  ...['s', text(session.salt)],
  ...['h', text(session.tokenHash)],
  ...['f', session.hashKeyId],
  ...['n', text(session.rotationId)],
  ...['o', sealOrigin(session.origin, session.id, sealer)],
];

/** SHA-256 in base64url. */
const attemptLength = 43;
export const maxLosersLength = 8 * attemptLength;

const losersOf = (value: string | undefined): readonly Uint8Array[] =>
  value === undefined ? [] : (value.match(/.{43}/g) ?? []).map(bytes);

/** A reply of HGETALL: field, value, field, value …; empty where there is no such row. */
export const sessionFromReply = (
  reply: unknown,
  { id, shard, sealer }: { readonly id: SessionId; readonly shard: Shard; readonly sealer: Sealer },
): Session | undefined => {
  if (!Array.isArray(reply) || reply.length === 0) return undefined;
  const row: Record<string, string | undefined> = {};
  for (let at = 0; at + 1 < reply.length; at += 2) row[String(reply[at])] = String(reply[at + 1]);
  const time = (field: string): EpochMs => Number(row[field]) as EpochMs;
  const { format: _format, ...fixed } = JSON.parse(row['d'] ?? '{}') as Fixed & { readonly format: number };
  return {
    id,
    realmId: realmOfShard(shard),
    userId: row['u'] as UserId,
    ...(row['D'] !== undefined && { deviceId: row['D'] as DeviceId }),
    ...fixed,
    createdAtMs: time('c'),
    authTimeMs: time('c'),
    sessionEpoch: Number(row['e']),
    generation: Number(row['g']),
    keyId: Number(row['k']),
    salt: bytes(row['s']),
    tokenHash: bytes(row['h']),
    hashKeyId: row['f'] ?? '',
    rotatedAtMs: time('t'),
    rotationId: bytes(row['n']),
    ...(row['w'] !== undefined && { winnerAttempt: bytes(row['w']) }),
    loserAttempts: losersOf(row['l']),
    idleExpiresAtMs: time('i'),
    absoluteExpiresAtMs: time('a'),
    lastSeenAtMs: time('p'),
    ...(row['x'] !== undefined && { revokedAtMs: time('x'), revokedCause: row['z'] as EndCause }),
    origin: () => openOrigin(row['o'], id, sealer),
  };
};
