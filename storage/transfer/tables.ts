/** The columns that are carried, which both schemas have under the same names, and what stands in them. */
import type { TransferTable } from '../contracts/transfer.ts';

/**
 * `list`: a JSON array, spelt as each driver likes. `numbers`: the same of integers. `json`: JSON text that stays as it was written.
 */
export type ColumnKind = 'text' | 'integer' | 'boolean' | 'uuid' | 'bytes' | 'list' | 'numbers' | 'json';

export interface TableShape {
  /** The table's own name, where it is another. */
  readonly name: string;
  readonly key: readonly string[];
  readonly columns: Readonly<Record<string, ColumnKind>>;
  /** Of the rows of `name`, those that are carried. */
  readonly only?: string;
  /** A new store has some of its rows already. */
  readonly replaces?: true;
}

const columns = (kinds: Readonly<Partial<Record<ColumnKind, string>>>): Readonly<Record<string, ColumnKind>> =>
  Object.fromEntries(
    Object.entries(kinds).flatMap(([kind, names]) =>
      names
        .trim()
        .split(/\s+/)
        .map((name) => [name, kind as ColumnKind]),
    ),
  );

export const tableShapes: Readonly<Record<TransferTable, TableShape>> = {
  realms: { name: 'realms', key: ['id'], columns: columns({ text: 'id', integer: 'created_at_ms' }), replaces: true },
  companions: {
    name: 'store_meta',
    key: ['key'],
    columns: columns({ text: 'key value' }),
    only: "key LIKE 'companion:%'",
    replaces: true,
  },
  users: {
    name: 'users',
    key: ['id'],
    columns: columns({
      uuid: 'id',
      text: `realm_id email email_key username username_key name first_name last_name display_name phone_sealed avatar_url
        password_hash`,
      list: 'roles permissions',
      integer: 'session_epoch access_epoch created_at_ms disabled_at_ms deleted_at_ms',
    }),
  },
  devices: {
    name: 'devices',
    key: ['id'],
    columns: columns({
      uuid: 'id user_id',
      text: 'realm_id name curve device_key_sealed proof_key_thumbprint origin_sealed',
      boolean: 'proof_required',
      bytes: 'challenge',
      integer: 'created_at_ms confirmed_at_ms revoked_at_ms last_seen_at_ms trusted_until_ms',
    }),
  },
  signing_keys: {
    name: 'signing_keys',
    key: ['kid'],
    columns: columns({
      text: 'kid realm_id algorithm public_jwk private_key_sealed state',
      integer: 'created_at_ms signs_from_ms verifies_until_ms',
    }),
  },
  credentials: {
    name: 'credentials',
    key: ['id'],
    columns: columns({
      text: 'id realm_id name',
      list: 'scopes',
      bytes: 'secret_hash',
      integer: 'created_at_ms expires_at_ms last_used_at_ms revoked_at_ms',
    }),
  },
  sessions: {
    name: 'sessions',
    key: ['id'],
    columns: columns({
      uuid: 'id user_id device_id',
      text: `realm_id client_id scope audience acr hash_key_id bound_key_thumbprint origin_sealed label revoked_cause`,
      list: 'amr',
      boolean: 'proof_required',
      bytes: 'salt token_hash rotation_id winner_attempt loser_attempts',
      integer: `format created_at_ms auth_time_ms session_epoch generation key_id rotated_at_ms idle_expires_at_ms
        absolute_expires_at_ms last_seen_at_ms revoked_at_ms`,
    }),
  },
  ended_sessions: {
    name: 'ended_sessions',
    key: ['session_id'],
    columns: columns({ uuid: 'session_id user_id', text: 'realm_id cause', integer: 'at_ms keep_until_ms' }),
  },
  revocations: {
    name: 'revocations',
    key: ['position'],
    columns: columns({
      integer: 'position minimum_epoch at_ms expires_at_ms',
      text: 'realm_id kind subject cause',
    }),
  },
  nonces: {
    name: 'nonces',
    key: ['realm_id', 'purpose', 'nonce'],
    columns: columns({ text: 'realm_id purpose nonce', integer: 'expires_at_ms' }),
  },
  counters: {
    name: 'counters',
    key: ['realm_id', 'purpose', 'subject'],
    columns: columns({
      text: 'realm_id purpose subject',
      numbers: 'attempts_ms',
      list: 'pending',
      integer: 'failures_in_row locked_until_ms expires_at_ms',
    }),
  },
  effects: {
    name: 'effects',
    // Each store keeps their order in its own way.
    key: ['position'],
    columns: columns({
      uuid: 'id user_id session_id',
      text: 'realm_id act actor request_id address user_agent',
      json: 'data',
      integer: 'version at_ms',
    }),
  },
  audit: {
    name: 'audit',
    key: ['effect_id'],
    columns: columns({
      uuid: 'effect_id',
      text: `realm_id event_type actor user_id session_id device_id address user_agent request_id details node boot mac hash
        person_hash person_salt`,
      integer: 'at_ms boot_number place delivered_at_ms',
    }),
  },
  audit_chain: {
    name: 'audit_chain',
    key: ['id'],
    columns: columns({ integer: 'id place', text: 'hash' }),
    only: 'place > 0',
    replaces: true,
  },
  audit_checkpoints: {
    name: 'audit_checkpoints',
    key: ['kind', 'place'],
    columns: columns({ text: 'kind hash key_id signature', integer: 'place at_ms' }),
  },
  outbox: {
    name: 'outbox',
    key: ['position'],
    columns: columns({
      uuid: 'effect_id',
      text: 'realm_id type key data reason',
      integer: 'position version at_ms published_at_ms dead_at_ms tries retry_at_ms',
    }),
  },
};

/** `store_meta` in a store that is being copied into: how far it has come. */
export const incompleteKey = 'copy_incomplete';
/** `store_meta` in a store that is being copied from. A server that starts takes it away: what it changes would be missed. */
export const sourceKey = 'copy_source';

export const halfCopied =
  'this store was copied into and the copy has not come to its end: run the same `sallyport store copy` again, or empty the store';
