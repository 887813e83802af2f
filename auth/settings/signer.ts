/** A service that keeps the private signing keys: which one, where it is, who we are there. */
import {
  choiceSetting,
  durationSetting,
  integerSetting,
  type SettingProblem,
  textSetting,
} from '@sallyport/kit/config';

const path = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;
const web = /^https?:\/\/[^\s?#]+$/;
const isLocal = (url: string): boolean => /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(new URL(url).hostname);
const inClear = (url: string | undefined): string | undefined =>
  url?.startsWith('http:') && URL.canParse(url) && !isLocal(url)
    ? 'is not https: who listens on the way may sign as we do'
    : undefined;

export const signerSettings = {
  jwtSigner: choiceSetting({
    env: 'JWT_SIGNER',
    values: ['store', 'vault', 'kms'],
    default: 'store',
    doc: 'Who holds the private keys of the ring: the store (sealed), HashiCorp Vault or OpenBao (transit), or AWS KMS (docs/guides/signers.md).',
  }),
  jwtSignerLookSeconds: durationSetting({
    env: 'JWT_SIGNER_LOOK_SECONDS',
    unit: 'seconds',
    min: 1,
    max: 3600,
    default: 15,
    doc: 'How often the signer is asked which key it has. Another key, or one that was disabled, is known this soon.',
  }),
  jwtSignerTimeoutSeconds: durationSetting({
    env: 'JWT_SIGNER_TIMEOUT_SECONDS',
    unit: 'seconds',
    min: 1,
    max: 30,
    default: 4,
    doc: 'How long a signature may take, the wait for a place and a second try included. Then the answer is 503 `signer_unavailable`.',
  }),
  jwtSignerParallel: integerSetting({
    env: 'JWT_SIGNER_PARALLEL',
    min: 1,
    max: 1000,
    default: 32,
    doc: 'Signatures that a signer is asked for at once, each on a connection of its own.',
  }),
  jwtSignerQueueLength: integerSetting({
    env: 'JWT_SIGNER_QUEUE_LENGTH',
    min: 0,
    max: 100_000,
    default: 512,
    doc: 'Signatures that wait for a place. Beyond, the answer is 503 `signer_unavailable` at once.',
  }),
  vaultAddress: textSetting({
    env: 'VAULT_ADDR',
    pattern: web,
    optional: true,
    insecure: inClear,
    doc: 'Where Vault or OpenBao is, such as https://vault.example.org:8200.',
  }),
  vaultCaPath: textSetting({
    env: 'VAULT_CACERT',
    optional: true,
    doc: 'PEM file of the authorities that may have signed its certificate. Default: those that Node.js knows.',
  }),
  vaultNamespace: textSetting({
    env: 'VAULT_NAMESPACE',
    pattern: path,
    optional: true,
    doc: 'Namespace of the mounts.',
  }),
  vaultTransitMount: textSetting({
    env: 'VAULT_TRANSIT_MOUNT',
    pattern: path,
    default: 'transit',
    doc: 'Where the transit engine is mounted.',
  }),
  vaultTransitKey: textSetting({
    env: 'VAULT_TRANSIT_KEY',
    pattern: /^[A-Za-z0-9._-]{1,200}$/,
    optional: true,
    doc: 'Name of the key: of type ecdsa-p256 (ES256), ed25519 (EdDSA), or rsa-2048 and larger (RS256, PS256).',
  }),
  vaultAuth: choiceSetting({
    env: 'VAULT_AUTH',
    values: ['token', 'approle', 'kubernetes'],
    default: 'token',
    doc: 'How the issuer shows who it is. A token that was got by AppRole or Kubernetes is renewed by the issuer.',
  }),
  vaultAuthMount: textSetting({
    env: 'VAULT_AUTH_MOUNT',
    pattern: path,
    optional: true,
    doc: 'Where that method is mounted, below `auth/`. Default: its name.',
  }),
  vaultToken: textSetting({ env: 'VAULT_TOKEN', optional: true, secret: true, doc: 'A token that does not end.' }),
  vaultTokenPath: textSetting({
    env: 'VAULT_TOKEN_PATH',
    optional: true,
    doc: 'File with a token that somebody else renews: read again at every look, and when it is refused.',
  }),
  vaultRoleId: textSetting({ env: 'VAULT_ROLE_ID', optional: true, doc: 'Role of AppRole.' }),
  vaultSecretId: textSetting({ env: 'VAULT_SECRET_ID', optional: true, secret: true, doc: 'Its secret.' }),
  vaultKubernetesRole: textSetting({ env: 'VAULT_KUBERNETES_ROLE', optional: true, doc: 'Role of Kubernetes.' }),
  vaultKubernetesJwtPath: textSetting({
    env: 'VAULT_KUBERNETES_JWT_PATH',
    default: '/var/run/secrets/kubernetes.io/serviceaccount/token',
    doc: "File with the service account's token, read at each login.",
  }),
  kmsKeyId: textSetting({
    env: 'KMS_KEY_ID',
    optional: true,
    maxLength: 2048,
    doc: 'Id, ARN or alias (alias/…) of a key of AWS KMS for SIGN_VERIFY: ECC_NIST_P256 (ES256), or RSA_2048 and larger (RS256, PS256). With an alias another key needs no restart.',
  }),
  kmsKeyRegion: textSetting({
    env: 'KMS_KEY_REGION',
    pattern: /^[a-z0-9-]{1,40}$/,
    optional: true,
    doc: "Its region. Default: AWS_REGION. Credentials are found by AWS's own rules.",
  }),
  kmsEndpoint: textSetting({
    env: 'KMS_ENDPOINT_URL',
    pattern: web,
    optional: true,
    insecure: inClear,
    doc: 'Another address of KMS, such as a VPC endpoint.',
  }),
};

interface Given {
  readonly jwtSigner: string;
  readonly jwtAlgorithm: string;
  readonly jwtPrivateKey: string | undefined;
  readonly jwtPrivateKeyPath: string | undefined;
  readonly vaultAddress: string | undefined;
  readonly vaultTransitKey: string | undefined;
  readonly vaultAuth: string;
  readonly vaultToken: string | undefined;
  readonly vaultTokenPath: string | undefined;
  readonly vaultRoleId: string | undefined;
  readonly vaultSecretId: string | undefined;
  readonly vaultKubernetesRole: string | undefined;
  readonly kmsKeyId: string | undefined;
}

export const signerProblems = (settings: Given): readonly SettingProblem[] => {
  const { jwtSigner, jwtAlgorithm } = settings;
  if (jwtSigner === 'store') return [];
  const problems: SettingProblem[] = [];
  const own = settings.jwtPrivateKey ?? settings.jwtPrivateKeyPath;
  if (jwtAlgorithm === 'HS256' || (jwtSigner === 'kms' && jwtAlgorithm === 'EdDSA'))
    problems.push({
      setting: 'JWT_ALGORITHM',
      problem: `is ${jwtAlgorithm}, which JWT_SIGNER=${jwtSigner} does not sign`,
    });
  if (own !== undefined)
    problems.push({
      setting: 'JWT_SIGNER',
      problem: `is ${jwtSigner}, and a private key is given as well: remove one`,
    });
  for (const [setting, value] of neededBy(settings))
    if (value === undefined) problems.push({ setting, problem: `is required by JWT_SIGNER=${jwtSigner}` });
  return problems;
};

const neededBy = (settings: Given): readonly (readonly [string, string | undefined])[] => {
  if (settings.jwtSigner === 'kms') return [['KMS_KEY_ID', settings.kmsKeyId]];
  return [
    ['VAULT_ADDR', settings.vaultAddress],
    ['VAULT_TRANSIT_KEY', settings.vaultTransitKey],
    ...(settings.vaultAuth === 'token'
      ? ([['VAULT_TOKEN', settings.vaultToken ?? settings.vaultTokenPath]] as const)
      : settings.vaultAuth === 'approle'
        ? ([
            ['VAULT_ROLE_ID', settings.vaultRoleId],
            ['VAULT_SECRET_ID', settings.vaultSecretId],
          ] as const)
        : ([['VAULT_KUBERNETES_ROLE', settings.vaultKubernetesRole]] as const)),
  ];
};
