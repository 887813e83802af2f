/** The signers there are, and what the settings say of them. One more: a file beside this one, a name in `signer.ts`, and a line here. */
import { readFileSync } from 'node:fs';
import type { AuthSettings } from '../../config.ts';
import { SigningKeyError } from '../private-key.ts';
import type { Signer } from '../signer.ts';
import { openKms } from './kms.ts';
import { openVault } from './vault.ts';
import type { VaultAuth } from './vault-login.ts';

export type SignerSettings = Pick<
  AuthSettings,
  | 'jwtSigner'
  | 'jwtSignerLookSeconds'
  | 'jwtSignerTimeoutSeconds'
  | 'jwtSignerParallel'
  | 'jwtSignerQueueLength'
  | 'vaultAddress'
  | 'vaultCaPath'
  | 'vaultNamespace'
  | 'vaultTransitMount'
  | 'vaultTransitKey'
  | 'vaultAuth'
  | 'vaultAuthMount'
  | 'vaultToken'
  | 'vaultTokenPath'
  | 'vaultRoleId'
  | 'vaultSecretId'
  | 'vaultKubernetesRole'
  | 'vaultKubernetesJwtPath'
  | 'kmsKeyId'
  | 'kmsKeyRegion'
  | 'kmsEndpoint'
>;

/** Undefined: the private halves lie in the store. */
export const openSigner = async (settings: SignerSettings): Promise<Signer | undefined> => {
  const sockets = settings.jwtSignerParallel;
  switch (settings.jwtSigner) {
    case 'store':
      return undefined;
    case 'vault':
      return openVault({
        address: given(settings.vaultAddress, 'VAULT_ADDR'),
        mount: settings.vaultTransitMount,
        key: given(settings.vaultTransitKey, 'VAULT_TRANSIT_KEY'),
        auth: vaultAuthOf(settings),
        sockets,
        ...(settings.vaultCaPath !== undefined && { ca: readCa(settings.vaultCaPath) }),
        ...(settings.vaultNamespace !== undefined && { namespace: settings.vaultNamespace }),
      });
    case 'kms':
      return openKms({
        keyId: given(settings.kmsKeyId, 'KMS_KEY_ID'),
        sockets,
        timeoutMs: settings.jwtSignerTimeoutSeconds * 1000,
        ...(settings.kmsKeyRegion !== undefined && { region: settings.kmsKeyRegion }),
        ...(settings.kmsEndpoint !== undefined && { endpoint: settings.kmsEndpoint }),
      });
  }
};

export const signerLimits = (settings: SignerSettings) => ({
  parallel: settings.jwtSignerParallel,
  maxWaiting: settings.jwtSignerQueueLength,
  timeoutMs: settings.jwtSignerTimeoutSeconds * 1000,
  lookMs: settings.jwtSignerLookSeconds * 1000,
});

const vaultAuthOf = (settings: SignerSettings): VaultAuth => {
  const mount = settings.vaultAuthMount ?? settings.vaultAuth;
  switch (settings.vaultAuth) {
    case 'token':
      return settings.vaultTokenPath === undefined
        ? { kind: 'token', token: given(settings.vaultToken, 'VAULT_TOKEN') }
        : { kind: 'token-file', path: settings.vaultTokenPath };
    case 'approle': {
      const roleId = given(settings.vaultRoleId, 'VAULT_ROLE_ID');
      return { kind: 'approle', mount, roleId, secretId: given(settings.vaultSecretId, 'VAULT_SECRET_ID') };
    }
    case 'kubernetes': {
      const role = given(settings.vaultKubernetesRole, 'VAULT_KUBERNETES_ROLE');
      return { kind: 'kubernetes', mount, role, jwtPath: settings.vaultKubernetesJwtPath };
    }
  }
};

const given = (value: string | undefined, setting: string): string => {
  if (value === undefined) throw new SigningKeyError(setting, 'is required');
  return value;
};

const readCa = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new SigningKeyError('VAULT_CACERT', `names the file ${path}, which cannot be read (${reason})`);
  }
};
