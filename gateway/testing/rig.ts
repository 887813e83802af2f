/**
 * What the tests of this package share: a gateway on free ports before real `node:http` services, tokens, and raw sockets.
 * Nothing here is part of the package.
 */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCsrfTokens } from '@sallyport/kit/csrf';
import { systemRandom } from '@sallyport/kit/random';
import { createAssertionVerifier, hmacKeyId } from '@sallyport/verify';
import { onTestFinished } from 'vitest';
import { gatewayKey } from '../maintenance.ts';
import { start } from '../server.ts';

export const jwtSecret = 'a JWT secret for tests, forty bytes long';
export const gatewaySecret = 'a gateway secret for tests, forty bytes in all';
const key = (text: string): Buffer => Buffer.from(text.padEnd(32, '.'));
export const csrfKey = key('csrf');
export const masterKey = key('master');
export const sid = '0192f0c1-2b3c-7d4e-8f50-aabbccddeeff';
export const userId = '0192f0c1-2b3c-7d4e-8f50-112233445566';

export const baseEnv = {
  SALLYPORT_PRESET: 'microservices',
  GATEWAY_PORT: '0',
  GATEWAY_PRIVATE_PORT: '0',
  LOG_LEVEL: 'silent',
  FLOOD_LIMIT_PER_MINUTE: '0',
  // There is no issuer here; the feed is tested with a real one in tests/.
  REVOCATION_FEED: 'off',
  JWT_SECRET: jwtSecret,
  GATEWAY_SECRET: gatewaySecret,
  CSRF_KEYS: `1:${csrfKey.toString('base64url')}`,
  GATEWAY_MASTER_KEYS: `m1:${masterKey.toString('base64url')}`,
} as const;

type Json = Readonly<Record<string, unknown>>;

const encode = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** An access token of the preset's issuer; a claim given as undefined is left out. */
export const mint = (claims: Json = {}, header: Json = {}, secret = jwtSecret): string => {
  const now = Math.floor(Date.now() / 1000);
  const input = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: hmacKeyId(secret), ...header })}.${encode({
    iss: 'auth-service',
    sub: userId,
    user_id: userId,
    aud: 'sallyport',
    client_id: 'default',
    iat: now,
    nbf: now,
    exp: now + 900,
    jti: systemRandom.uuidv7(Date.now()),
    sid,
    uep: 0,
    email: 'ann@example.com',
    name: 'Ann',
    ...claims,
  })}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
};

export const bearer = (claims: Json = {}): { authorization: string } => ({ authorization: `Bearer ${mint(claims)}` });

export const csrfTokens = createCsrfTokens({ keys: [{ kid: 1, key: csrfKey }], random: systemRandom });

/** Credentials of an unsafe request that passes. */
export const unsafe = (): { authorization: string; 'x-csrf-token': string; cookie: string } => {
  const token = csrfTokens.issue(sid);
  return { ...bearer(), 'x-csrf-token': token, cookie: `csrf_token=${token}` };
};

/** What a service saw. */
export interface Seen {
  readonly method: string;
  readonly target: string;
  /** Name (as on the wire), value. */
  readonly lines: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export const valuesOf = ({ lines }: Pick<Seen, 'lines'>, name: string): readonly string[] =>
  lines.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value);

export const bodyOf = async (req: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

const linesOf = (raw: readonly string[]): readonly (readonly [string, string])[] =>
  raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ''] as const] : []));

/** A service's handler; a promise is not waited for. */
export type Service = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

const echo: Service = async (req, res) => {
  const seen: Seen = {
    method: req.method ?? '',
    target: req.url ?? '',
    lines: linesOf(req.rawHeaders),
    body: await bodyOf(req),
  };
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify(seen));
};

/** A service on a free port of 127.0.0.1. Ends with the test. */
export const startService = async (listener: Service = echo): Promise<{ url: string; seen: () => number }> => {
  let requests = 0;
  const server = createServer((req, res) => {
    requests += 1;
    // A request that is cut off half-way is no failure of the service.
    Promise.resolve(listener(req, res)).catch(() => res.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen: () => requests };
};

export interface Rig {
  readonly url: string;
  readonly privateUrl: string;
  readonly port: number;
  readonly stop: () => Promise<void>;
}

/** A whole gateway of the preset. Services that are not given answer nothing. Ends with the test. */
export const startGateway = async (
  env: Readonly<Record<string, string | undefined>> = {},
  listener?: Service,
  begin: typeof start = start,
): Promise<Rig & { readonly services: { readonly url: string; readonly seen: () => number } }> => {
  const services = await startService(listener);
  const urls = ['AUTH', 'USER', 'PAYMENT', 'NOTIFICATION'].map((name) => [`${name}_SERVICE_URL`, services.url]);
  const running = await begin({ env: { ...baseEnv, ...Object.fromEntries(urls), ...env }, envFile: '/nonexistent' });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= running.stop();
    return stopped;
  };
  onTestFinished(stop);
  const url = running.urls['public'] ?? '';
  return { url, privateUrl: running.urls['private'] ?? '', port: Number(new URL(url).port), stop, services };
};

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly raw: readonly string[];
  readonly body: string;
}

export type Headers = Readonly<Record<string, string | string[]>>;

/** Sends a request whose target and header names stand as they are written. */
export const send = (
  { port }: { readonly port: number },
  path: string,
  options: { method?: string; headers?: Headers | readonly string[]; body?: string } = {},
): Promise<WireAnswer> =>
  new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options;
    const given = Array.isArray(headers) ? ['host', `localhost:${port}`, ...headers] : (headers as Headers);
    const outgoing = request({ port, host: '127.0.0.1', path, method, headers: given, agent: false }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, raw: response.rawHeaders, body: text }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

export const seenBy = (answer: WireAnswer): Seen => JSON.parse(answer.body) as Seen;
export const problemOf = (answer: WireAnswer): Json => JSON.parse(answer.body) as Json;

/**
 * Writes bytes as they are and returns what comes back, until the other side closes, has said something and then nothing for
 * a second, or `waitMs` are over.
 */
export const sendRaw = (
  { port }: { readonly port: number },
  bytes: string,
  waitMs = 10_000,
  /** Further bytes, once there are any. */
  later?: Promise<string>,
): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    let timer = setTimeout(finish, waitMs);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      answer += chunk;
      clearTimeout(timer);
      timer = setTimeout(finish, 1000);
    });
    socket.on('close', finish);
    socket.on('error', finish);
    socket.write(bytes, 'latin1');
    void later?.then((more) => socket.write(more, 'latin1'));
  });

/** How often a service answered on a raw connection. */
export const statusesOf = (answer: string): readonly number[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

/** The verifier that a service would use for what it saw. */
export const verifierOf = (service: string) => {
  const text = gatewayKey(service, {
    masterKeys: [{ kid: 'm1', key: masterKey }],
    services: [],
  });
  const [kid = '', secret = ''] = text.split(':');
  return createAssertionVerifier({ service, keys: [{ kid, key: Buffer.from(secret, 'base64url') }] });
};

/** A whole gateway with routes of its own, to a service that tells what it saw. `table` is given that service's address. */
export const startGatewayWithRoutes = async (
  table: (serviceUrl: string) => object,
  env: Readonly<Record<string, string>> = {},
  begin?: typeof start,
): Promise<Rig> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-routes-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'routes.yaml');
  const { url } = await startService();
  writeFileSync(path, JSON.stringify(table(url)));
  return startGateway({ GATEWAY_ROUTES_FILE: path, ...env }, undefined, begin);
};
