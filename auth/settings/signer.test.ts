import { describe, expect, it } from 'vitest';
import { loadAuthSettings } from '../load-settings.ts';

const key = Buffer.alloc(32, 7).toString('base64url');
const own = { SALLYPORT_ROOT_KEYS: `1:${key}`, CSRF_KEYS: `1:${key}`, JWT_ALGORITHM: 'ES256' };
const vault = { JWT_SIGNER: 'vault', VAULT_ADDR: 'https://vault.example.org:8200', VAULT_TRANSIT_KEY: 'a' };
const kms = { JWT_SIGNER: 'kms', KMS_KEY_ID: 'alias/a' };

const problems = (env: Readonly<Record<string, string>>): readonly string[] => {
  try {
    loadAuthSettings({ env: { ...own, ...env } });
    return [];
  } catch (error) {
    return (error as { readonly problems: readonly { readonly setting: string }[] }).problems.map(
      ({ setting }) => setting,
    );
  }
};

describe('the settings of a signer', () => {
  it.each([
    ['a token in a file', { ...vault, VAULT_TOKEN_PATH: '/run/token' }, []],
    ['AppRole', { ...vault, VAULT_AUTH: 'approle', VAULT_ROLE_ID: 'r', VAULT_SECRET_ID: 's' }, []],
    ['a pod', { ...vault, VAULT_AUTH: 'kubernetes', VAULT_KUBERNETES_ROLE: 'r' }, []],
    ['KMS, with what its client reads by itself', { ...kms, AWS_REGION: 'eu-central-1', AWS_PROFILE: 'a' }, []],
    ['nothing but the name', { JWT_SIGNER: 'vault' }, ['VAULT_ADDR', 'VAULT_TRANSIT_KEY', 'VAULT_TOKEN']],
    ['AppRole without its secret', { ...vault, VAULT_AUTH: 'approle', VAULT_ROLE_ID: 'r' }, ['VAULT_SECRET_ID']],
    ['KMS without a key', { JWT_SIGNER: 'kms' }, ['KMS_KEY_ID']],
    ['EdDSA with KMS', { ...kms, JWT_ALGORITHM: 'EdDSA' }, ['JWT_ALGORITHM']],
    ['a shared secret', { ...kms, JWT_ALGORITHM: 'HS256', JWT_SECRET: key }, ['JWT_ALGORITHM']],
    ['a key in a file as well', { ...kms, JWT_PRIVATE_KEY_PATH: 'a.pem' }, ['JWT_SIGNER']],
    ['no address', { ...kms, KMS_ENDPOINT_URL: 'kms' }, ['KMS_ENDPOINT_URL']],
  ])('%s', (_, env, refused) => {
    expect(problems(env)).toEqual(refused);
  });

  it('warn of a way in clear, but for this machine itself', () => {
    const warnings = (address: string) =>
      loadAuthSettings({ env: { ...own, ...vault, VAULT_TOKEN: 't', VAULT_ADDR: address } }).warnings.length;
    expect([warnings('http://vault.example.org:8200'), warnings('http://127.0.0.1:8200')]).toEqual([1, 0]);
    expect(warnings('http://localhost.example.org:8200')).toBe(1);
  });
});
