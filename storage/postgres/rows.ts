import type { EpochMs, RealmId } from '@sallyport/contract';
import type { Sealer } from '@sallyport/kit/seal';
import type { UserWithPassword } from '../contracts/accounts.ts';
import type { AuditCheckpoint, AuditRecord, SealedRecord } from '../contracts/audit.ts';
import type { Credential } from '../contracts/credentials.ts';
import type { Device } from '../contracts/devices.ts';
import type { Effect } from '../contracts/effects.ts';
import type { StoredKey } from '../contracts/keys.ts';
import type { OutboxEvent, StoredEvent } from '../contracts/outbox.ts';
import type { RevocationEntry, RevocationSubject } from '../contracts/revocations.ts';
import type { Session } from '../contracts/sessions.ts';
import type { ActContext } from '../contracts/store.ts';
import { openDeviceOrigin, openOrigin, places } from '../sealed-columns.ts';
import type { SqlRow } from './connection.ts';

/** Members and the columns that they come from: what the driver has parsed is the member's value already. */
type Columns = readonly (readonly [member: string, column: string])[];
const columns = (names: string): Columns =>
  names
    .trim()
    .split(/\s+/)
    .map((column) => [column.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()), column] as const);

/** The columns that a statement names: one that a later schema adds changes nothing for this version. */
export const listed = (of: Columns, prefix = ''): string => of.map(([, column]) => `${prefix}${column}`).join(', ');

/** NULL becomes absent. */
const members = <T>(row: SqlRow, of: Columns): T => {
  const made: Record<string, unknown> = {};
  for (const [member, column] of of) {
    const value = row[column];
    if (value !== null && value !== undefined) made[member] = value;
  }
  return made as T;
};

const userPlain =
  columns(`id realm_id email username name first_name last_name display_name avatar_url roles permissions
  session_epoch access_epoch created_at_ms disabled_at_ms deleted_at_ms`);
export const userColumns = [...userPlain, ...columns('phone_sealed password_hash')];

export const userFromRow = (row: SqlRow, sealer: Sealer): UserWithPassword => {
  const plain = members<Omit<UserWithPassword, 'passwordHash' | 'phoneNumber'>>(row, userPlain);
  const phone = row['phone_sealed'];
  return {
    ...plain,
    ...(typeof phone === 'string' && { phoneNumber: sealer.open(phone, places.phone(plain.id)).toString('utf8') }),
    passwordHash: (row['password_hash'] as string | null) ?? undefined,
  };
};

const attemptBytes = 32;

const splitAttempts = (bytes: unknown): readonly Uint8Array[] => {
  if (!(bytes instanceof Uint8Array)) return [];
  return Array.from({ length: bytes.length / attemptBytes }, (_, index) =>
    bytes.subarray(index * attemptBytes, (index + 1) * attemptBytes),
  );
};

const sessionPlain = columns(`id realm_id user_id device_id client_id scope audience created_at_ms auth_time_ms amr acr
  session_epoch generation key_id salt token_hash hash_key_id rotated_at_ms rotation_id winner_attempt idle_expires_at_ms
  absolute_expires_at_ms bound_key_thumbprint proof_required last_seen_at_ms label revoked_at_ms revoked_cause`);
export const sessionColumns = [...sessionPlain, ...columns('loser_attempts origin_sealed')];

/** Undefined: the row is all NULL, there is no such session. */
export const sessionFromRow = (row: SqlRow | undefined, sealer: Sealer): Session | undefined => {
  if (row === undefined || row['id'] === null) return undefined;
  const plain = members<Omit<Session, 'loserAttempts' | 'origin'>>(row, sessionPlain);
  return {
    ...plain,
    loserAttempts: splitAttempts(row['loser_attempts']),
    origin: () => openOrigin(row['origin_sealed'], plain.id, sealer),
  };
};

const devicePlain = columns(
  `id realm_id user_id name curve proof_key_thumbprint proof_required challenge created_at_ms confirmed_at_ms revoked_at_ms
    last_seen_at_ms trusted_until_ms`,
);
export const deviceColumns = [...devicePlain, ...columns('device_key_sealed origin_sealed')];

export const deviceFromRow = (row: SqlRow, sealer: Sealer): Device => {
  const plain = members<Omit<Device, 'deviceKey' | 'origin'>>(row, devicePlain);
  const place = places.deviceKey(plain.realmId, plain.userId, plain.id);
  return {
    ...plain,
    deviceKey: sealer.open(String(row['device_key_sealed']), place),
    origin: () => openDeviceOrigin(row['origin_sealed'], plain.id, sealer),
  };
};

const keyPlain = columns('kid realm_id algorithm public_jwk state created_at_ms signs_from_ms verifies_until_ms');
export const keyColumns = [...keyPlain, ...columns('private_key_sealed')];

export const keyFromRow = (row: SqlRow): StoredKey => ({
  // A node of the version before writes no time from which a key signs.
  signsFromMs: row['created_at_ms'] as EpochMs,
  ...members<Omit<StoredKey, 'sealedPrivateKey' | 'signsFromMs'>>(row, keyPlain),
  sealedPrivateKey: String(row['private_key_sealed']),
});

export const credentialColumns = columns(
  'id realm_id name scopes secret_hash created_at_ms expires_at_ms last_used_at_ms revoked_at_ms',
);
/** Undefined: the row is all NULL, there is no such credential. */
export const credentialFromRow = (row: SqlRow | undefined): Credential | undefined =>
  row === undefined || row['id'] === null ? undefined : members(row, credentialColumns);

const effectPlain = columns('id realm_id act at_ms user_id session_id data');
const effectContext = columns('actor request_id address user_agent');
export const effectColumns = [...effectPlain, ...effectContext];

export const effectFromRow = (row: SqlRow): Effect => ({
  ...members<Omit<Effect, 'position' | 'version' | 'context'>>(row, effectPlain),
  position: `${String(row['xid'])} ${String(row['seq'])}`,
  version: 1,
  context: members<ActContext>(row, effectContext),
});

export const auditColumns =
  columns(`effect_id realm_id event_type actor user_id session_id device_id address user_agent request_id details
  at_ms node boot boot_number mac`);
export const auditFromRow = (row: SqlRow): AuditRecord => {
  const { node, boot, bootNumber, ...record } = members<
    AuditRecord & { node?: string; boot?: string; bootNumber?: number }
  >(row, auditColumns);
  if (node === undefined || boot === undefined || bootNumber === undefined) return record;
  return { ...record, origin: { node, boot, number: bootNumber } };
};

const sealColumns = columns('place hash person_hash person_salt');
export const sealedColumns = [...auditColumns, ...sealColumns];
export const sealedFromRow = (row: SqlRow): SealedRecord => ({ ...auditFromRow(row), seal: members(row, sealColumns) });

export const checkpointColumns = columns('kind place hash at_ms key_id signature');
export const checkpointFromRow = (row: SqlRow): AuditCheckpoint => members(row, checkpointColumns);

export const eventColumns = columns('effect_id realm_id type version key data at_ms');
export const eventFromRow = (row: SqlRow): OutboxEvent => members(row, eventColumns);

export const storedEventColumns = [...eventColumns, ...columns('position tries published_at_ms reason')];
const storedEventMembers = [...storedEventColumns, ...columns('state')];
export const storedEventFromRow = (row: SqlRow): StoredEvent => members(row, storedEventMembers);

export const revocationColumns = columns('position realm_id kind subject minimum_epoch cause at_ms expires_at_ms');

export const revocationFromRow = (row: SqlRow): RevocationEntry => ({
  position: Number(row['position']),
  realmId: row['realm_id'] as RealmId,
  subject: subjectFromRow(row),
  cause: String(row['cause']),
  atMs: row['at_ms'] as EpochMs,
  expiresAtMs: row['expires_at_ms'] as EpochMs,
});

const subjectFromRow = (row: SqlRow): RevocationSubject => {
  const subject = String(row['subject']);
  switch (row['kind']) {
    case 'session':
      return { kind: 'session', sessionId: subject };
    case 'user':
      return { kind: 'user', userId: subject, minimumEpoch: Number(row['minimum_epoch']) };
    default:
      return { kind: 'key', kid: subject };
  }
};
