import type {
  AdminScope,
  CredentialId,
  DeviceId,
  EpochMs,
  RealmId,
  SessionId,
  SignatureAlgorithm,
  UserId,
} from '@sallyport/contract';
import { uuidFromBytes } from '@sallyport/kit/random';
import type { Sealer } from '@sallyport/kit/seal';
import type { UserWithPassword } from '../contracts/accounts.ts';
import type { AuditCheckpoint, AuditRecord, SealedRecord } from '../contracts/audit.ts';
import type { Credential } from '../contracts/credentials.ts';
import type { Device } from '../contracts/devices.ts';
import type { Act, Effect, EffectData } from '../contracts/effects.ts';
import type { StoredKey } from '../contracts/keys.ts';
import type { OutboxEvent, StoredEvent } from '../contracts/outbox.ts';
import type { RecordedEnd, RevocationEntry, RevocationSubject } from '../contracts/revocations.ts';
import type { EndCause, Session } from '../contracts/sessions.ts';
import type { ActContext } from '../contracts/store.ts';
import { openDeviceOrigin, openOrigin, places } from '../sealed-columns.ts';
import type { SqlRow } from './transaction.ts';

const id = <T extends string>(row: SqlRow, column: string): T => uuidFromBytes(row[column] as Uint8Array) as T;
const time = (row: SqlRow, column: string): EpochMs => Number(row[column]) as EpochMs;
const list = (row: SqlRow, column: string): readonly string[] => JSON.parse(String(row[column])) as string[];

/** Optional members and the columns that they come from. Made once: a row is read for every request. */
const optional = (columns: Readonly<Record<string, string>>): OptionalColumns => Object.entries(columns);
type OptionalColumns = readonly (readonly [member: string, column: string])[];

/** Copies the columns that are not NULL under their new names, so that absent means absent. */
const present = (row: SqlRow, columns: OptionalColumns): Record<string, unknown> => {
  const members: Record<string, unknown> = {};
  for (const [member, column] of columns) {
    const value = row[column];
    if (value !== null && value !== undefined) members[member] = value;
  }
  return members;
};

const userColumns = optional({
  email: 'email',
  username: 'username',
  name: 'name',
  firstName: 'first_name',
  lastName: 'last_name',
  displayName: 'display_name',
  avatarUrl: 'avatar_url',
  disabledAtMs: 'disabled_at_ms',
  deletedAtMs: 'deleted_at_ms',
});

export const userFromRow = (row: SqlRow, sealer: Sealer): UserWithPassword => {
  const userId = id<UserId>(row, 'id');
  const phone = row['phone_sealed'];
  return {
    id: userId,
    realmId: row['realm_id'] as RealmId,
    ...present(row, userColumns),
    ...(typeof phone === 'string' && { phoneNumber: sealer.open(phone, places.phone(userId)).toString('utf8') }),
    roles: list(row, 'roles'),
    permissions: list(row, 'permissions'),
    sessionEpoch: Number(row['session_epoch']),
    accessEpoch: Number(row['access_epoch']),
    createdAtMs: time(row, 'created_at_ms'),
    passwordHash: (row['password_hash'] as string | null) ?? undefined,
  };
};

const attemptBytes = 32;

const splitAttempts = (blob: unknown): readonly Uint8Array[] => {
  if (!(blob instanceof Uint8Array)) return [];
  return Array.from({ length: blob.length / attemptBytes }, (_, index) =>
    blob.subarray(index * attemptBytes, (index + 1) * attemptBytes),
  );
};

const sessionColumns = optional({
  scope: 'scope',
  audience: 'audience',
  acr: 'acr',
  winnerAttempt: 'winner_attempt',
  boundKeyThumbprint: 'bound_key_thumbprint',
  label: 'label',
  revokedAtMs: 'revoked_at_ms',
});

export const sessionFromRow = (row: SqlRow, sealer: Sealer): Session => {
  const sessionId = id<SessionId>(row, 'id');
  return {
    id: sessionId,
    realmId: row['realm_id'] as RealmId,
    userId: id<UserId>(row, 'user_id'),
    ...(row['device_id'] !== null && { deviceId: id<DeviceId>(row, 'device_id') }),
    clientId: String(row['client_id']),
    ...present(row, sessionColumns),
    ...(row['revoked_cause'] !== null && { revokedCause: row['revoked_cause'] as EndCause }),
    createdAtMs: time(row, 'created_at_ms'),
    authTimeMs: time(row, 'auth_time_ms'),
    amr: list(row, 'amr'),
    sessionEpoch: Number(row['session_epoch']),
    generation: Number(row['generation']),
    keyId: Number(row['key_id']),
    salt: row['salt'] as Uint8Array,
    tokenHash: row['token_hash'] as Uint8Array,
    hashKeyId: String(row['hash_key_id']),
    rotatedAtMs: time(row, 'rotated_at_ms'),
    rotationId: row['rotation_id'] as Uint8Array,
    loserAttempts: splitAttempts(row['loser_attempts']),
    idleExpiresAtMs: time(row, 'idle_expires_at_ms'),
    absoluteExpiresAtMs: time(row, 'absolute_expires_at_ms'),
    proofRequired: row['proof_required'] === 1,
    lastSeenAtMs: time(row, 'last_seen_at_ms'),
    origin: () => openOrigin(row['origin_sealed'], sessionId, sealer),
  };
};

const deviceColumns = optional({
  name: 'name',
  confirmedAtMs: 'confirmed_at_ms',
  revokedAtMs: 'revoked_at_ms',
  lastSeenAtMs: 'last_seen_at_ms',
  trustedUntilMs: 'trusted_until_ms',
  proofKeyThumbprint: 'proof_key_thumbprint',
  challenge: 'challenge',
});

export const deviceFromRow = (row: SqlRow, sealer: Sealer): Device => {
  const deviceId = id<DeviceId>(row, 'id');
  const userId = id<UserId>(row, 'user_id');
  const realmId = row['realm_id'] as RealmId;
  return {
    id: deviceId,
    realmId,
    userId,
    curve: row['curve'] as Device['curve'],
    deviceKey: sealer.open(String(row['device_key_sealed']), places.deviceKey(realmId, userId, deviceId)),
    proofRequired: row['proof_required'] === 1,
    createdAtMs: time(row, 'created_at_ms'),
    ...present(row, deviceColumns),
    origin: () => openDeviceOrigin(row['origin_sealed'], deviceId, sealer),
  };
};

export const keyFromRow = (row: SqlRow): StoredKey => ({
  kid: String(row['kid']),
  realmId: row['realm_id'] as RealmId,
  algorithm: row['algorithm'] as SignatureAlgorithm,
  publicJwk: String(row['public_jwk']),
  sealedPrivateKey: String(row['private_key_sealed']),
  state: row['state'] as StoredKey['state'],
  createdAtMs: time(row, 'created_at_ms'),
  // A node of the version before writes no such time.
  signsFromMs: time(row, row['signs_from_ms'] === null ? 'created_at_ms' : 'signs_from_ms'),
  ...(row['verifies_until_ms'] !== null && { verifiesUntilMs: time(row, 'verifies_until_ms') }),
});

const credentialColumns = optional({
  expiresAtMs: 'expires_at_ms',
  lastUsedAtMs: 'last_used_at_ms',
  revokedAtMs: 'revoked_at_ms',
});

export const credentialFromRow = (row: SqlRow): Credential => ({
  id: String(row['id']) as CredentialId,
  realmId: row['realm_id'] as RealmId,
  name: String(row['name']),
  scopes: list(row, 'scopes') as readonly AdminScope[],
  secretHash: row['secret_hash'] as Uint8Array,
  createdAtMs: time(row, 'created_at_ms'),
  ...present(row, credentialColumns),
});

const effectColumns = optional({ address: 'address', userAgent: 'user_agent' });

export const effectFromRow = (row: SqlRow): Effect => ({
  id: uuidFromBytes(row['id'] as Uint8Array),
  position: String(row['position']),
  version: 1,
  realmId: row['realm_id'] as RealmId,
  act: row['act'] as Act,
  atMs: time(row, 'at_ms'),
  ...(row['user_id'] !== null && { userId: id<UserId>(row, 'user_id') }),
  ...(row['session_id'] !== null && { sessionId: id<SessionId>(row, 'session_id') }),
  ...(row['data'] !== null && { data: JSON.parse(String(row['data'])) as EffectData }),
  context: {
    actor: row['actor'] as ActContext['actor'],
    requestId: String(row['request_id']),
    ...present(row, effectColumns),
  },
});

const auditColumns = optional({
  userId: 'user_id',
  sessionId: 'session_id',
  deviceId: 'device_id',
  address: 'address',
  userAgent: 'user_agent',
  mac: 'mac',
});

export const auditFromRow = (row: SqlRow): AuditRecord => ({
  effectId: uuidFromBytes(row['effect_id'] as Uint8Array),
  realmId: row['realm_id'] as RealmId,
  eventType: String(row['event_type']),
  actor: String(row['actor']),
  ...present(row, auditColumns),
  requestId: String(row['request_id']),
  details: String(row['details']),
  atMs: time(row, 'at_ms'),
  ...(row['boot_number'] !== null && {
    origin: { node: String(row['node']), boot: String(row['boot']), number: Number(row['boot_number']) },
  }),
});

export const sealedFromRow = (row: SqlRow): SealedRecord => ({
  ...auditFromRow(row),
  seal: {
    place: Number(row['place']),
    hash: String(row['hash']),
    personHash: String(row['person_hash']),
    ...(row['person_salt'] !== null && { personSalt: String(row['person_salt']) }),
  },
});

export const checkpointFromRow = (row: SqlRow): AuditCheckpoint => ({
  kind: row['kind'] as AuditCheckpoint['kind'],
  place: Number(row['place']),
  hash: String(row['hash']),
  atMs: time(row, 'at_ms'),
  keyId: String(row['key_id']),
  signature: String(row['signature']),
});

export const eventFromRow = (row: SqlRow): OutboxEvent => ({
  effectId: uuidFromBytes(row['effect_id'] as Uint8Array),
  realmId: row['realm_id'] as RealmId,
  type: String(row['type']),
  version: Number(row['version']),
  key: String(row['key']),
  data: String(row['data']),
  atMs: time(row, 'at_ms'),
});

const eventColumns = optional({ publishedAtMs: 'published_at_ms', reason: 'reason' });

export const storedEventFromRow = (row: SqlRow): StoredEvent => ({
  ...eventFromRow(row),
  position: Number(row['position']),
  state: row['dead_at_ms'] !== null ? 'dead' : row['published_at_ms'] !== null ? 'published' : 'pending',
  tries: Number(row['tries']),
  ...present(row, eventColumns),
});

export const revocationFromRow = (row: SqlRow): RevocationEntry => ({
  position: Number(row['position']),
  realmId: row['realm_id'] as RealmId,
  subject: subjectFromRow(row),
  cause: String(row['cause']),
  atMs: time(row, 'at_ms'),
  expiresAtMs: time(row, 'expires_at_ms'),
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

export const sessionEndFromRow = (row: SqlRow): readonly [SessionId, RecordedEnd] => [
  id<SessionId>(row, 'session_id'),
  { cause: row['cause'] as EndCause, atMs: time(row, 'at_ms') },
];
