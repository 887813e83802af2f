/**
 * Carries rows of sessions from SQL into a Redis that no server has worked on. Until the end it holds a mark, and no issuer starts with
 * it: whose session has not arrived yet would be told that it is lost.
 */
import { type DeviceId, defaultRealm, type RealmId, type SessionId, type UserId } from '@sallyport/contract';
import type { Random } from '@sallyport/kit/random';
import type { SessionTransfer, TransferRow } from '../contracts/transfer.ts';
import { openConnection, type RedisCall } from './connection.ts';
import { birthKey, copyingKey, deviceKey, placeKey, type Shard, sessionKey, shardOfUser, userKey } from './keys.ts';
import { numberReply } from './replies.ts';
import { script, storeClock } from './script.ts';
import { fixedText } from './session-rows.ts';
import { keptAfterExpiryMs } from './session-scripts.ts';

/** Rows in one write to the connection. */
const rowsPerTurn = 250;
const answerLimitMs = 30_000;

/** @throws Error with a reason that names neither address nor password */
export const openRedisTransfer = async (options: {
  readonly url: string;
  readonly random: Random;
}): Promise<SessionTransfer> => {
  const { run, close } = await openConnection({ ...options, answerLimitMs });
  const ask = async (command: readonly string[]): Promise<unknown> => (await run([{ command }]))[0];
  return {
    begin: async () => {
      const [copying, birth] = await run([
        { command: ['EXISTS', copyingKey(defaultRealm)] },
        { command: ['EXISTS', birthKey(defaultRealm)] },
      ]);
      if (copying === 1) return;
      if (birth === 1)
        throw new Error(
          'an issuer has worked on it already: give an empty Redis, or another database of this one (redis://host:port/1)',
        );
      await ask(['SET', copyingKey(defaultRealm), '1']);
    },
    importSessions: async (rows) => {
      for (let from = 0; from < rows.length; from += rowsPerTurn)
        await run(rows.slice(from, from + rowsPerTurn).flatMap(callsFor));
    },
    countHeld: async (rows) => {
      let held = 0;
      for (let from = 0; from < rows.length; from += rowsPerTurn) {
        const replies = await run(rows.slice(from, from + rowsPerTurn).map(isHeld));
        held += replies.reduce((sum: number, reply) => sum + numberReply(reply), 0);
      }
      return held;
    },
    finish: async () => {
      await ask(['DEL', copyingKey(defaultRealm)]);
    },
    close,
  };
};

/** KEYS[1] row, then the indexes that it stands in. ARGV: 0, session, created, absolute expiry, fields and values. A row of an earlier run is replaced. */
const importScript = script(`${storeClock}
local absolute = tonumber(ARGV[4])
redis.call('DEL', KEYS[1])
for at = 2, #KEYS do redis.call('ZREM', KEYS[at], ARGV[2]) end
local kept = absolute + ${keptAfterExpiryMs}
if kept <= now then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 5))
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', kept))
if redis.call('HEXISTS', KEYS[1], 'x') == 1 then return 1 end
for at = 2, #KEYS do
  redis.call('ZADD', KEYS[at], ARGV[3], ARGV[2])
  if redis.call('PTTL', KEYS[at]) < kept - now then redis.call('PEXPIRE', KEYS[at], string.format('%.0f', kept - now)) end
end
return 1
`);

/**
 * KEYS[1] row. ARGV: 0, absolute expiry, token hash, generation. 1: it holds the same token, or its time is over; 0: it does not.
 */
const heldScript = script(`${storeClock}
if tonumber(ARGV[2]) <= now then return 1 end
local row = redis.call('HMGET', KEYS[1], 'h', 'g')
if row[1] == ARGV[3] and row[2] == ARGV[4] then return 1 end
return 0
`);

const textOf = (row: TransferRow, column: string): string => String(row[column]);
const idOf = (row: TransferRow): SessionId => textOf(row, 'id') as SessionId;
const shardOf = (row: TransferRow): Shard =>
  shardOfUser(textOf(row, 'user_id') as UserId, textOf(row, 'realm_id') as RealmId);

const callsFor = (row: TransferRow): readonly RedisCall[] => {
  const id = idOf(row);
  const shard = shardOf(row);
  const indexes = [
    userKey(shard, textOf(row, 'user_id') as UserId),
    ...(row['device_id'] === null ? [] : [deviceKey(shard, textOf(row, 'device_id') as DeviceId)]),
  ];
  const absolute = textOf(row, 'absolute_expires_at_ms');
  const args = [0, id, textOf(row, 'created_at_ms'), absolute, ...fieldsOf(row)];
  const until = String(Number(absolute) + keptAfterExpiryMs);
  return [
    { command: ['SET', placeKey(id), shard, 'PXAT', until] },
    { script: importScript, keys: [sessionKey(shard, id), ...indexes], args },
  ];
};

const isHeld = (row: TransferRow): RedisCall => ({
  script: heldScript,
  keys: [sessionKey(shardOf(row), idOf(row))],
  args: [0, textOf(row, 'absolute_expires_at_ms'), base64url(textOf(row, 'token_hash')), textOf(row, 'generation')],
});

const base64url = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');

const attemptHexLength = 64;

/** The letters of `session-scripts.ts`. */
const fieldsOf = (row: TransferRow): readonly string[] => {
  const plain = (letter: string, column: string): readonly string[] =>
    row[column] === null || row[column] === undefined ? [] : [letter, textOf(row, column)];
  const bytes = (letter: string, column: string): readonly string[] =>
    row[column] === null || row[column] === undefined ? [] : [letter, base64url(textOf(row, column))];
  const losers = row['loser_attempts'];
  const isEnded = row['revoked_at_ms'] !== null;
  return [
    ...['d', fixedText(fixedFrom(row))],
    ...plain('u', 'user_id'),
    ...plain('D', 'device_id'),
    ...plain('c', 'created_at_ms'),
    ...plain('a', 'absolute_expires_at_ms'),
    ...plain('i', 'idle_expires_at_ms'),
    ...plain('e', 'session_epoch'),
    ...plain('g', 'generation'),
    ...plain('k', 'key_id'),
    ...bytes('s', 'salt'),
    ...bytes('h', 'token_hash'),
    ...plain('f', 'hash_key_id'),
    ...plain('t', 'rotated_at_ms'),
    ...bytes('n', 'rotation_id'),
    ...bytes('w', 'winner_attempt'),
    // Each of them by itself: base64url of several in a row would be another text.
    ...(typeof losers === 'string' && losers !== '' ? ['l', attemptsOf(losers).map(base64url).join('')] : []),
    ...plain('p', 'last_seen_at_ms'),
    ...(isEnded ? [] : plain('o', 'origin_sealed')),
    ...plain('x', 'revoked_at_ms'),
    ...plain('z', 'revoked_cause'),
  ];
};

const attemptsOf = (hex: string): readonly string[] =>
  Array.from({ length: hex.length / attemptHexLength }, (_, at) =>
    hex.slice(at * attemptHexLength, (at + 1) * attemptHexLength),
  );

const fixedFrom = (row: TransferRow): Parameters<typeof fixedText>[0] => {
  const given = (column: string): string | undefined => (row[column] === null ? undefined : textOf(row, column));
  return {
    clientId: textOf(row, 'client_id'),
    amr: JSON.parse(textOf(row, 'amr')) as string[],
    proofRequired: row['proof_required'] === true,
    ...optional('scope', given('scope')),
    ...optional('audience', given('audience')),
    ...optional('acr', given('acr')),
    ...optional('boundKeyThumbprint', given('bound_key_thumbprint')),
    ...optional('label', given('label')),
  };
};

const optional = <Name extends string>(name: Name, value: string | undefined): { readonly [Key in Name]?: string } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [Key in Name]?: string };
