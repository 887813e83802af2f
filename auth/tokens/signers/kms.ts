/**
 * Asymmetric SIGN_VERIFY keys of AWS KMS. A reference is the ARN of a key: an alias may be turned to another one. It needs
 * `kms:DescribeKey`, `kms:GetPublicKey` and `kms:Sign`. Its client is loaded where it is asked for, and by nobody else.
 */
import { createHash, createPublicKey } from 'node:crypto';
import type { KMSClient, SignCommandInput, SigningAlgorithmSpec } from '@aws-sdk/client-kms';
import { type AsymmetricAlgorithm, SigningKeyError } from '../private-key.ts';
import {
  type Signer,
  SignerFailure,
  type SignerFailureReason,
  type SignerKey,
  type SignerView,
  type SignRequest,
} from '../signer.ts';
import { rawFromDer } from './raw-from-der.ts';

export interface KmsOptions {
  /** Id, ARN or alias. */
  readonly keyId: string;
  /** Default: AWS_REGION, or the profile's. */
  readonly region?: string;
  /** Default: that of the region. */
  readonly endpoint?: string;
  readonly sockets: number;
  readonly timeoutMs: number;
}

type Kms = typeof import('@aws-sdk/client-kms');

const loadClient = async (): Promise<Kms> => {
  try {
    return await import('@aws-sdk/client-kms');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new SigningKeyError('JWT_SIGNER', 'is kms, and @aws-sdk/client-kms is not installed: npm install it');
  }
};

export const openKms = async ({ keyId, region, endpoint, sockets, timeoutMs }: KmsOptions): Promise<Signer> => {
  const kms = await loadClient();
  const connect = (): KMSClient =>
    new kms.KMSClient({
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint }),
      // Whoever calls tries again, and knows how much time is left.
      maxAttempts: 1,
      requestHandler: {
        connectionTimeout: timeoutMs,
        requestTimeout: timeoutMs,
        httpsAgent: { keepAlive: true, maxSockets: sockets },
        httpAgent: { keepAlive: true, maxSockets: sockets },
      },
    });
  let client = connect();

  const send = async <T>(call: (client: KMSClient) => Promise<T>): Promise<T> => {
    try {
      return await call(client);
    } catch (error) {
      throw failureOf(error);
    }
  };

  /** The connections of before are left to those who still wait for them. */
  const reconnect = (): void => {
    const before = client;
    client = connect();
    setTimeout(() => before.destroy(), timeoutMs).unref();
  };

  const sign = async ({ reference, algorithm, input, signal, fresh }: SignRequest): Promise<Buffer> => {
    if (fresh) reconnect();
    const command = new kms.SignCommand({
      KeyId: reference,
      ...messageOf(input),
      SigningAlgorithm: algorithmOf(algorithm),
    });
    const { Signature: signature } = await send((open) => open.send(command, { abortSignal: signal }));
    if (signature === undefined) throw new SignerFailure('malformed', 'the answer holds no signature');
    return algorithm === 'ES256' ? rawFromDer(Buffer.from(signature)) : Buffer.from(signature);
  };

  const describe = async (key: string, signal: AbortSignal) => {
    const command = new kms.DescribeKeyCommand({ KeyId: key });
    const { KeyMetadata: about } = await send((open) => open.send(command, { abortSignal: signal }));
    if (about?.Arn === undefined) throw new SignerFailure('malformed', 'a key is described without its ARN');
    return { arn: about.Arn, signs: about.KeyState === 'Enabled' };
  };

  /** By ARN: it never changes. */
  const publicKeys = new Map<string, SignerKey>();
  const publicKeyOf = async (arn: string, signal: AbortSignal): Promise<SignerKey> => {
    const known = publicKeys.get(arn);
    if (known !== undefined) return known;
    const command = new kms.GetPublicKeyCommand({ KeyId: arn });
    const { PublicKey: der } = await send((open) => open.send(command, { abortSignal: signal }));
    if (der === undefined) throw new SignerFailure('malformed', 'the answer holds no public key');
    const publicKey = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
    const key = { reference: arn, publicKey };
    publicKeys.set(arn, key);
    return key;
  };

  /** Undefined: it does not say. */
  const isGone = async (arn: string, signal: AbortSignal): Promise<boolean | undefined> => {
    try {
      return !(await describe(arn, signal)).signs;
    } catch (error) {
      if (error instanceof SignerFailure && error.reason === 'no_key') return true;
      if (error instanceof SignerFailure && error.reason === 'denied') return undefined;
      throw error;
    }
  };

  const look = async (references: readonly string[], signal: AbortSignal): Promise<SignerView> => {
    const { arn, signs } = await describe(keyId, signal);
    const gone = new Set<string>();
    for (const reference of references)
      if (reference === arn ? !signs : (await isGone(reference, signal)) === true) gone.add(reference);
    return { newest: signs ? await publicKeyOf(arn, signal) : undefined, gone };
  };

  return { name: 'kms', look, sign, close: () => client.destroy() };
};

/** KMS hashes a message of up to 4,096 bytes itself; of a longer one it takes the digest, which is signed the same. */
const longestMessageBytes = 4096;
const messageOf = (input: Buffer): Pick<SignCommandInput, 'Message' | 'MessageType'> =>
  input.length <= longestMessageBytes
    ? { Message: input, MessageType: 'RAW' }
    : { Message: createHash('sha256').update(input).digest(), MessageType: 'DIGEST' };

const algorithmOf = (algorithm: AsymmetricAlgorithm): SigningAlgorithmSpec => {
  switch (algorithm) {
    case 'RS256':
      return 'RSASSA_PKCS1_V1_5_SHA_256';
    case 'PS256':
      return 'RSASSA_PSS_SHA_256';
    case 'ES256':
      return 'ECDSA_SHA_256';
    case 'EdDSA':
      // The settings refuse it.
      throw new SignerFailure('no_key', 'EdDSA is not asked of KMS');
  }
};

const reasons: Readonly<Record<string, SignerFailureReason>> = {
  NotFoundException: 'no_key',
  DisabledException: 'no_key',
  KMSInvalidStateException: 'no_key',
  InvalidKeyUsageException: 'no_key',
  ThrottlingException: 'throttled',
  LimitExceededException: 'throttled',
  AccessDeniedException: 'denied',
  UnrecognizedClientException: 'denied',
  InvalidSignatureException: 'denied',
  ExpiredTokenException: 'denied',
  IncompleteSignature: 'denied',
  CredentialsProviderError: 'denied',
  TimeoutError: 'timeout',
  AbortError: 'timeout',
  SyntaxError: 'malformed',
};

const failureOf = (error: unknown): SignerFailure => {
  if (error instanceof SignerFailure) return error;
  const {
    name = 'Error',
    code,
    $metadata,
  } = error as {
    readonly name?: string;
    readonly code?: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const answered = $metadata?.httpStatusCode;
  const reason = reasons[name] ?? (code !== undefined && answered === undefined ? 'connection' : 'unavailable');
  return new SignerFailure(reason, `KMS failed: ${name}${code === undefined ? '' : ` ${code}`}`, error);
};
