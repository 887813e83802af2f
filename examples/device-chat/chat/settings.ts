/** What the chat service is told. It holds no secret but its own token at the revocation feed. */
import { durationMsOf, type Environment, integerOf, SettingsError, secretOf } from '@sallyport/example-kit/environment';
import { readTls, type TlsFiles } from '@sallyport/example-kit/tls';
import { publicUrlOf, tlsFetchFrom } from '@sallyport/verify';

export interface ChatSettings {
  readonly host: string;
  readonly port: number;
  readonly privateHost: string;
  readonly privatePort: number;
  /** Both listeners speak TLS; undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  /** How an issuer behind `https://` is asked; undefined: as everybody is. */
  readonly issuerFetch: typeof globalThis.fetch | undefined;
  readonly dataDir: string;
  readonly logLevel: string;
  readonly issuer: string;
  readonly audience: string;
  /** PEM of the issuer's public keys. Without it they are fetched from `userServiceUrl`. */
  readonly publicKeyPath: string | undefined;
  readonly userServiceUrl: string | undefined;
  readonly fetchRetries: number;
  readonly fetchTimeoutMs: number;
  /** Undefined: ended sessions are refused when their access token expires, and not before. */
  readonly revocations: { readonly url: string; readonly token: string } | undefined;
  /** Origins of pages that may call. */
  readonly corsOrigins: readonly string[];
  /** Of one user, in any minute; 0: no limit. */
  readonly requestsPerMinute: number;
  /** WebSockets that are asked for from one address (IPv6: /64), in any minute; 0: no limit. */
  readonly handshakesPerMinute: number;
  /** A WebSocket that does not answer a ping before the next one is dropped. */
  readonly pingSeconds: number;
  /** That a user is a member of; 0: no limit. */
  readonly roomsPerUser: number;
  /** Where clients find this service: proofs of possession have to name it. */
  readonly publicUrl: string;
  readonly leewaySeconds: number;
  readonly clockOffsetMs: number;
}

const privatePortDistance = 1000;

/** @throws SettingsError */
export const readChatSettings = (env: Environment): ChatSettings => {
  const offset = integerOf(env, 'SALLYPORT_PORT_OFFSET', 0, 0, 50_000);
  const port = integerOf(env, 'PORT', 8081, 1, 65_535) + offset;
  if (port + privatePortDistance > 65_535) throw new SettingsError(`SALLYPORT_PORT_OFFSET moves port ${port} too far`);
  const { JWT_PUBLIC_KEY_PATH: publicKeyPath, USER_SERVICE_URL: userServiceUrl } = env;
  // contracts/device-chat.md: literally this.
  if (publicKeyPath === undefined && userServiceUrl === undefined)
    throw new SettingsError('USER_SERVICE_URL environment variable not set');
  return Object.freeze({
    host: env['HOST']?.split(',')[0]?.trim() ?? 'localhost',
    port,
    privateHost: env['PRIVATE_HOST']?.split(',')[0]?.trim() ?? 'localhost',
    privatePort: port + privatePortDistance,
    tls: readTls(env),
    issuerFetch: issuerFetchOf(env),
    dataDir: env['SALLYPORT_DATA_DIR'] ?? 'data',
    logLevel: env['LOG_LEVEL'] ?? 'info',
    issuer: env['JWT_ISSUER'] ?? 'user-service',
    audience: env['JWT_AUDIENCE'] ?? 'sallyport',
    publicKeyPath,
    userServiceUrl,
    fetchRetries: integerOf(env, 'JWT_PUBLIC_KEY_FETCH_RETRY', 3, 0, 100),
    fetchTimeoutMs: durationMsOf(env, 'JWT_PUBLIC_KEY_FETCH_TIMEOUT', '10s'),
    revocations: revocationsOf(env, userServiceUrl),
    corsOrigins: (env['CORS_ORIGINS'] ?? 'http://localhost:3000').split(',').map((origin) => origin.trim()),
    requestsPerMinute: integerOf(env, 'CHAT_REQUESTS_PER_MINUTE', 600, 0, 1_000_000),
    handshakesPerMinute: integerOf(env, 'CHAT_HANDSHAKES_PER_MINUTE', 120, 0, 1_000_000),
    pingSeconds: integerOf(env, 'CHAT_PING_SECONDS', 30, 1, 3600),
    roomsPerUser: integerOf(env, 'CHAT_ROOMS_PER_USER', 200, 0, 1_000_000),
    publicUrl: publicUrlIn(env, port),
    leewaySeconds: durationMsOf(env, 'CLOCK_LEEWAY_SECONDS', '30s') / 1000,
    clockOffsetMs: integerOf(env, 'SALLYPORT_CLOCK_OFFSET_SECONDS', 0, -31_536_000, 31_536_000) * 1000,
  });
};

/** A name of its own: PUBLIC_URL, given to `npm start`, is the issuer's. */
const publicUrlIn = ({ CHAT_PUBLIC_URL: text = '', TLS_CERT_PATH }: Environment, port: number): string => {
  try {
    return publicUrlOf(text === '' ? `${TLS_CERT_PATH === undefined ? 'http' : 'https'}://localhost:${port}` : text);
  } catch {
    throw new SettingsError('CHAT_PUBLIC_URL must be a URL such as https://chat.example.org: no query, no fragment');
  }
};

/** OUTBOUND_CA_PATH, OUTBOUND_CERT_PATH and OUTBOUND_KEY_PATH. */
const issuerFetchOf = (env: Environment): ChatSettings['issuerFetch'] => {
  try {
    return tlsFetchFrom(env);
  } catch (error) {
    throw new SettingsError(error instanceof Error ? error.message : 'OUTBOUND_CA_PATH cannot be used');
  }
};

const revocationsOf = (env: Environment, userServiceUrl: string | undefined): ChatSettings['revocations'] => {
  if (/^(off|false)$/i.test(env['REVOCATION_FEED'] ?? 'on')) return undefined;
  const token = secretOf(env, 'REVOCATION_FEED_TOKEN');
  if (token === undefined)
    throw new SettingsError(
      'REVOCATION_FEED_TOKEN is required (`sallyport keys feed chat-service`), or REVOCATION_FEED=off',
    );
  const url = env['REVOCATION_FEED_URL'] ?? feedBeside(userServiceUrl);
  if (url === undefined) throw new SettingsError('REVOCATION_FEED_URL is required, or REVOCATION_FEED=off');
  return { url, token };
};

/** The issuer's private listener, a thousand above its public one. */
const feedBeside = (userServiceUrl: string | undefined): string | undefined => {
  if (userServiceUrl === undefined || !URL.canParse(userServiceUrl)) return undefined;
  const { protocol, hostname, port } = new URL(userServiceUrl);
  // Where TLS is spoken, the private listener is somewhere else, and its token travels to no guess.
  return protocol !== 'http:' || port === ''
    ? undefined
    : `http://${hostname}:${Number(port) + privatePortDistance}/v1/revocations`;
};
