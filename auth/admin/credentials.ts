/** Where operators get credentials for the admin API, and take them back. No credential can make another: this is done on the host. */
import { type AdminScope, type CredentialId, defaultRealm, isCredentialId } from '@sallyport/contract';
import type { Random } from '@sallyport/kit/random';
import type { Credential, Credentials } from '@sallyport/storage/contracts/credentials';
import type { ActContext } from '@sallyport/storage/contracts/store';
import { digestOf, drawToken, writeToken } from '../tokens/credential-token.ts';

export interface CredentialWish {
  readonly name: string;
  readonly scopes: readonly AdminScope[];
  /** Absent: until it is revoked. */
  readonly ttlSeconds?: number;
}

export type MadeCredential =
  | { readonly kind: 'created'; readonly id: CredentialId; readonly token: string }
  /** One of that name lives. */
  | { readonly kind: 'taken' };

export interface CredentialDesk {
  create(wish: CredentialWish, context: ActContext): Promise<MadeCredential>;
  /** Newest first. */
  list(): Promise<readonly Credential[]>;
  /** By id, or by the name of a living one. False: there is none that lives. */
  revoke(idOrName: string, context: ActContext): Promise<boolean>;
}

/** More are not listed; nobody has a use for so many services. */
export const mostCredentials = 10_000;

export const createCredentialDesk = ({
  credentials,
  random,
}: {
  readonly credentials: Credentials;
  readonly random: Pick<Random, 'bytes'>;
}): CredentialDesk => {
  const list = () => credentials.listCredentials(defaultRealm, mostCredentials);
  const livingId = async (name: string): Promise<CredentialId | undefined> =>
    (await list()).find((one) => one.name === name && one.revokedAtMs === undefined)?.id;
  return {
    create: async ({ name, scopes, ttlSeconds }, context) => {
      const token = drawToken(random);
      const { id } = token;
      const ttl = ttlSeconds === undefined ? {} : { ttlMs: ttlSeconds * 1000 };
      const credential = { id, realmId: defaultRealm, name, scopes, secretHash: digestOf(token), ...ttl };
      const isCreated = await credentials.createCredential(credential, context);
      return isCreated ? { kind: 'created', id, token: writeToken(token) } : { kind: 'taken' };
    },
    list,
    revoke: async (idOrName, context) => {
      const id = isCredentialId(idOrName) ? idOrName : await livingId(idOrName);
      return id !== undefined && credentials.revokeCredential({ realmId: defaultRealm, id, context });
    },
  };
};
