/** Service credentials of the admin API. A store keeps the digest of a credential's secret, and never the secret. */
import type { AdminScope, CredentialId, EpochMs, RealmId } from '@sallyport/contract';
import type { ActContext, AtStoreTime } from './store.ts';

export interface Credential {
  readonly id: CredentialId;
  readonly realmId: RealmId;
  /** What people call it; unique among those that are not revoked. */
  readonly name: string;
  readonly scopes: readonly AdminScope[];
  /** SHA-256 of the secret, 32 bytes. */
  readonly secretHash: Uint8Array;
  readonly createdAtMs: EpochMs;
  readonly expiresAtMs?: EpochMs;
  readonly lastUsedAtMs?: EpochMs;
  readonly revokedAtMs?: EpochMs;
}

export type NewCredential = Pick<Credential, 'id' | 'realmId' | 'name' | 'scopes' | 'secretHash'> & {
  /** Absent: until it is revoked. */
  readonly ttlMs?: number;
};

/** A use is written down at most this often. */
export const noteUseEveryMs = 60_000;

export interface Credentials {
  /** False: one of that name lives. Of N callers with one name, one creates. */
  createCredential(credential: NewCredential, context: ActContext): Promise<boolean>;
  /** Revoked and expired ones too: the caller has to look, by the time that comes with it. */
  findCredential(realmId: RealmId, id: CredentialId): Promise<AtStoreTime<Credential | undefined>>;
  /** Newest first, revoked and expired ones too. */
  listCredentials(realmId: RealmId, limit: number): Promise<readonly Credential[]>;
  /** Writes nothing where the last use was written down less than `noteUseEveryMs` ago. */
  noteCredentialUse(realmId: RealmId, id: CredentialId): Promise<void>;
  /** False: there is none of that id that lives. Of N callers one revokes. */
  revokeCredential(input: {
    readonly realmId: RealmId;
    readonly id: CredentialId;
    readonly context: ActContext;
  }): Promise<boolean>;
}
