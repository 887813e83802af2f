/** What the tests of the services share: a gateway's pen, a started service, and a client that sends what it is told. */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AssertionClaims } from '@sallyport/contract';
import type { RunningServer } from '@sallyport/example-kit/run';
import { assertionKey, createAssertionSigner, targetHash } from '@sallyport/verify';
import { type ServiceDefinition, startService } from '../service/run-service.ts';
import { createUuidv7 } from '../service/uuid.ts';

const master = randomBytes(32);
export const notificationToken = randomBytes(32).toString('base64url');
export const newUserId = createUuidv7(() => Date.now());

export interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface CallOptions {
  readonly body?: unknown;
  /** Sent instead of JSON of `body`. */
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends the target as it stands: no URL parser comes near it. */
export const send = (url: string, method: string, target: string, options: CallOptions = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { hostname: bracketed, port } = new URL(url);
    const hostname = bracketed.replace(/^\[|\]$/g, '');
    const text = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const headers = { ...(text !== undefined && { 'content-type': 'application/json' }), ...options.headers };
    const outgoing = request({ hostname, port, method, path: target, headers, agent: false }, (incoming) => {
      let body = '';
      incoming.on('data', (chunk) => (body += chunk));
      incoming.on('end', () =>
        resolve({
          status: incoming.statusCode ?? 0,
          type: incoming.headers['content-type'],
          body: body.startsWith('{') ? (JSON.parse(body) as Answer['body']) : { text: body },
        }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(text);
  });

/** An assertion as the gateway writes it, with the given claims changed. */
export const assertion = (
  service: string,
  method: string,
  target: string,
  claims: Partial<AssertionClaims> = {},
  signedFor = service,
): string => {
  const now = Math.floor(Date.now() / 1000);
  return createAssertionSigner({ kid: '1', key: assertionKey(master, signedFor) }).sign({
    ver: 1,
    iss: 'gateway',
    aud: service,
    iat: now,
    exp: now + 30,
    jti: newUserId(),
    ...(claims.anon ? {} : { sub: newUserId(), email: 'ada@example.com', name: 'Ada' }),
    cip: '192.0.2.7',
    mth: method,
    pth: targetHash(target),
    ...claims,
  });
};

export interface Started extends RunningServer {
  readonly name: string;
  readonly dataDir: string;
  /** As the gateway sends it for one user. */
  as(sub: string): (method: string, target: string, options?: CallOptions) => Promise<Answer>;
}

const folders: string[] = [];
export const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-example-'));
  folders.push(folder);
  return folder;
};
export const removeFolders = (): void => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
};

/** What a service is told by whoever starts it. */
export const environment = (service: string, more: Readonly<Record<string, string>> = {}) => ({
  GATEWAY_ASSERTION_KEYS: `1:${assertionKey(master, service).toString('base64url')}`,
  NOTIFICATION_TOKEN: notificationToken,
  LOG_LEVEL: 'silent',
  SALLYPORT_PORT_OFFSET: String(randomInt(10_000, 20_000)),
  ...more,
});

/** Starts a service in this process, on ports of its own. */
export const startReal = async (
  definition: ServiceDefinition,
  more: Readonly<Record<string, string>> = {},
): Promise<Started> => {
  const { name } = definition;
  const dataDir = more['SALLYPORT_DATA_DIR'] ?? newFolder();
  const service = await startService(definition, environment(name, { SALLYPORT_DATA_DIR: dataDir, ...more }));
  return {
    ...service,
    name,
    dataDir,
    as:
      (sub) =>
      (method, target, options = {}) => {
        const headers = { ...options.headers, 'x-gateway-assertion': assertion(name, method, target, { sub }) };
        return send(service.urls.public, method, target, { ...options, headers });
      },
  };
};

/** A stand-in for the issuer: what it answers is up to the test, and it keeps what it was asked. */
export const startIssuer = async () => {
  const asked: string[] = [];
  const next: { answer: { status: number; body: unknown; headers?: Record<string, string> } } = {
    answer: { status: 500, body: {} },
  };
  const server = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url} ${incoming.headers.authorization}`);
    const { status, body, headers } = next.answer;
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, asked, next, stop: () => server.close() };
};

export const until = async (what: string, holds: () => Promise<boolean>, withinMs = 5_000): Promise<void> => {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

export const unknownId = (): string => randomUUID();
