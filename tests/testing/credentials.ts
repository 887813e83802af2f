/** Service credentials, made as an operator makes them: on the host. */
import { openMaintenance } from '@sallyport/auth/maintenance';
import { type AdminScope, adminScopes, type CredentialId } from '@sallyport/contract';
import { systemRandom } from '@sallyport/kit/random';
import type { IssuerFolder } from './issuer.ts';

export interface TestCredential {
  readonly id: CredentialId;
  readonly token: string;
}

export interface TestDesk {
  /** All scopes, unless it is told. */
  create(options?: { readonly scopes?: readonly AdminScope[]; readonly ttlSeconds?: number }): Promise<TestCredential>;
  revoke(id: CredentialId): Promise<boolean>;
  close(): Promise<void>;
}

export const openDesk = async (folder: IssuerFolder): Promise<TestDesk> => {
  const maintenance = await openMaintenance(folder.settings);
  return {
    create: async ({ scopes = adminScopes, ttlSeconds } = {}) => {
      const name = `test-${systemRandom.bytes(8).toString('hex')}`;
      const made = await maintenance.createCredential({
        name,
        scopes,
        ...(ttlSeconds !== undefined && { ttlSeconds }),
      });
      if (made.kind !== 'created') throw new Error(`${name} is taken`);
      return made;
    },
    revoke: (id) => maintenance.revokeCredential(id),
    close: () => maintenance.close(),
  };
};
