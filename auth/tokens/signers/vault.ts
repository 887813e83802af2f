/**
 * Keys of the transit engine of HashiCorp Vault or OpenBao. A reference is `<mount>/<key>:<version>`. It needs `read` of
 * `<mount>/keys/<key>` and `update` of `<mount>/sign/<key>`, and never asks for more.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { AsymmetricAlgorithm } from '../private-key.ts';
import { type Signer, SignerFailure, type SignerKey, type SignerView, type SignRequest } from '../signer.ts';
import { isObject, openConnection, type ServiceAnswer } from './service-request.ts';
import { createVaultLogin, type VaultAuth } from './vault-login.ts';

export interface VaultOptions {
  readonly address: string;
  readonly ca?: string;
  readonly namespace?: string;
  readonly mount: string;
  readonly key: string;
  readonly auth: VaultAuth;
  readonly sockets: number;
  /** Elapsed time, of a clock that nobody sets. */
  readonly nowMs?: () => number;
}

export const openVault = (options: VaultOptions): Signer => {
  const connection = openConnection(options);
  const headers = {
    // Shows the server that no other site's form has sent it.
    'x-vault-request': 'true',
    ...(options.namespace !== undefined && { 'x-vault-namespace': options.namespace }),
  };
  const login = createVaultLogin({
    auth: options.auth,
    connection,
    headers,
    nowMs: options.nowMs ?? (() => performance.now()),
  });
  const place = `${options.mount}/${options.key}`;

  interface Call {
    readonly method: 'GET' | 'POST';
    readonly path: string;
    readonly body?: object;
    readonly signal: AbortSignal;
    readonly fresh?: boolean;
  }

  /** A token that was refused may have been renewed or revoked meanwhile: it is got anew, once. */
  const call = async (request: Call): Promise<Readonly<Record<string, unknown>>> => {
    const send = async (): Promise<readonly [string, ServiceAnswer]> => {
      const token = await login.token(request.signal);
      return [token, await connection.send({ ...request, headers: { ...headers, 'x-vault-token': token } })];
    };
    const [token, first] = await send();
    if (first.status !== 403) return dataOf(first, request.path);
    login.refused(token);
    const [, second] = await send();
    return dataOf(second, request.path);
  };

  const sign = async ({ reference, algorithm, input, signal, fresh }: SignRequest): Promise<Buffer> => {
    const { name, version } = placeOf(reference);
    const slash = name.lastIndexOf('/');
    const path = `/v1/${name.slice(0, slash)}/sign/${name.slice(slash + 1)}`;
    const body = { input: input.toString('base64'), key_version: version, ...forms[algorithm] };
    const { signature } = await call({ method: 'POST', path, body, signal, fresh });
    const match = typeof signature === 'string' ? /^[a-z]+:v(\d+):([A-Za-z0-9+/_-]+=*)$/.exec(signature) : null;
    if (match === null || Number(match[1]) !== version)
      throw new SignerFailure('malformed', 'the answer holds no signature of the version that was asked for');
    return Buffer.from(match[2] ?? '', 'base64');
  };

  const look = async (references: readonly string[], signal: AbortSignal): Promise<SignerView> => {
    await login.renew(signal);
    const described = await call({ method: 'GET', path: `/v1/${options.mount}/keys/${options.key}`, signal });
    const versions = versionsOf(described);
    // A key of another name is not looked at: nothing is said of it.
    const gone = references.filter((reference) => {
      const { name, version } = placeOf(reference);
      return name === place && !versions.has(version);
    });
    return { newest: newestOf(described, versions, place), gone: new Set(gone) };
  };

  return { name: 'vault', look, sign, close: connection.close };
};

const pss = { signature_algorithm: 'pss', salt_length: 'hash' };
const forms: Readonly<Record<AsymmetricAlgorithm, object>> = {
  RS256: { hash_algorithm: 'sha2-256', signature_algorithm: 'pkcs1v15' },
  PS256: { hash_algorithm: 'sha2-256', ...pss },
  ES256: { hash_algorithm: 'sha2-256', marshaling_algorithm: 'jws' },
  EdDSA: {},
};

const placeOf = (reference: string): { readonly name: string; readonly version: number } => {
  const colon = reference.lastIndexOf(':');
  return { name: reference.slice(0, colon), version: Number(reference.slice(colon + 1)) };
};

const dataOf = ({ status, body }: ServiceAnswer, path: string): Readonly<Record<string, unknown>> => {
  const told = `${path} was answered ${status}`;
  if (status === 403) throw new SignerFailure('denied', told);
  // 412: a standby that has not heard yet of what it is asked for. 429: a standby, or a quota.
  if (status === 429 || status === 412) throw new SignerFailure('throttled', told);
  if (status === 404 || status === 400) throw new SignerFailure('no_key', told);
  if (status !== 200) throw new SignerFailure('unavailable', told);
  const data = body?.['data'];
  if (!isObject(data)) throw new SignerFailure('malformed', `${path} was answered without data`);
  return data;
};

/** Those that may be used: versions below `min_decryption_version` are not told. */
const versionsOf = ({
  keys,
  soft_deleted: deleted,
}: Readonly<Record<string, unknown>>): ReadonlyMap<number, string> => {
  if (!isObject(keys)) throw new SignerFailure('malformed', 'the key is described without its versions');
  if (deleted === true) return new Map();
  return new Map(
    Object.entries(keys).map(([version, about]) => {
      const text = isObject(about) ? about['public_key'] : undefined;
      if (typeof text !== 'string') throw new SignerFailure('malformed', `version ${version} has no public key`);
      return [Number(version), text];
    }),
  );
};

const newestOf = (
  { latest_version: latest }: Readonly<Record<string, unknown>>,
  versions: ReadonlyMap<number, string>,
  place: string,
): SignerKey | undefined => {
  const text = versions.get(Number(latest));
  return text === undefined ? undefined : { reference: `${place}:${latest}`, publicKey: publicKeyOf(text) };
};

/** RFC 8410 §10: an Ed25519 key in SPKI has this before its 32 bytes, which the service gives bare. */
const ed25519Spki = Buffer.from('302a300506032b6570032100', 'hex');

const publicKeyOf = (text: string): KeyObject => {
  try {
    if (text.startsWith('-----BEGIN')) return createPublicKey(text);
    const der = Buffer.concat([ed25519Spki, Buffer.from(text, 'base64')]);
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
  } catch (error) {
    throw new SignerFailure('malformed', 'the public key cannot be read', error);
  }
};
