/** docs/guides/tls.md: every connection inside is TLS, and each side shows the other who it is. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { type Agent, createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { feedTokenOf } from '@sallyport/auth/maintenance';
import { type Authority, type IssuedFiles, makeAuthority } from '@sallyport/kit/testing/authority';
import { createGuard, createTlsFetch, openRevocationFeed, remoteJwks } from '@sallyport/verify';
import { guardNode } from '@sallyport/verify/node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ChildServer, Settings } from '../testing/child-server.ts';
import type { Call } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { type Installation, newInstallation, startGateway } from '../testing/microservices.ts';
import { signUp } from '../testing/people.ts';
import { routeFile } from '../testing/route-file.ts';

const api = '/api/v1';
const patience = { timeout: 15_000, interval: 20 };

let installation: Installation;
let authority: Authority;
let strangers: Authority;
let own: IssuedFiles;
let issuer: Issuer;
let gateway: ChildServer;
let service: Awaited<ReturnType<typeof startService>>;
let call: Call;
let impostors: Readonly<Record<'elsewhere' | 'impostor' | 'old', Awaited<ReturnType<typeof startImpostor>>>>;

const read = ({ certPath, keyPath }: IssuedFiles) => ({ cert: readFileSync(certPath), key: readFileSync(keyPath) });

/** A service of this installation: it speaks TLS, lets in who shows a certificate, and hears the feed by the SDK. */
const startService = async () => {
  const { certPath, keyPath } = own;
  const fetch = createTlsFetch({ caPath: authority.caPath, certPath, keyPath });
  const revocations = openRevocationFeed({
    url: `${onName(issuer.privateUrl)}/v1/revocations`,
    token: feedTokenOf('user-service', installation.folder.settings),
    issuer: 'auth-service',
    fetch,
  });
  const guard = createGuard({
    service: 'user-service',
    env: { GATEWAY_ASSERTION_KEYS: installation.assertionKeys('user-service') },
    revocations,
  });
  const ca = readFileSync(authority.caPath);
  const server = createServer(
    { ...read(own), ca, requestCert: true, rejectUnauthorized: true },
    guardNode(guard, (_, response) => void response.end('{"from":"service"}')),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    isReady: revocations.isReady,
    close: async () => {
      await revocations.close();
      server.close();
      server.closeAllConnections();
    },
  };
};

/** What answers in a service's place with a certificate that nobody should believe. */
const startImpostor = async (shown: IssuedFiles) => {
  let requests = 0;
  const server = createServer(read(shown), (_, response) => {
    requests += 1;
    response.end('{"keys":[]}');
  });
  server.on('tlsClientError', () => undefined);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

/** To the issuer, the service, and those who are none. */
const routes = (): string => {
  const services = [
    { id: 'auth-service', url: onName(issuer.url), issuer: true },
    { id: 'user-service', url: service.url },
    ...Object.entries(impostors).map(([id, { url }]) => ({ id, url })),
  ];
  const below = { access: 'required', stripPrefix: api };
  const inside = [
    { path: `${api}/auth/*`, service: 'auth-service', ...below, access: 'public' },
    { path: `${api}/users/*`, service: 'user-service', ...below },
    ...Object.keys(impostors).map((id) => ({ path: `${api}/${id}`, service: id, ...below })),
  ];
  return routeFile(installation, { version: 1, services, routes: inside }).path;
};

/** Certificates name `localhost`. */
const onName = (url: string): string => url.replace('127.0.0.1', 'localhost');

const secureClient =
  (url: string): Call =>
  (method, path, { body, bearer } = {}) =>
    new Promise((resolve, reject) => {
      const headers = {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      };
      const ca = readFileSync(authority.caPath);
      const outgoing = request(new URL(path, onName(url)), { method, headers, ca, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () =>
          resolve({
            ...{ status: response.statusCode ?? 0, headers: response.headers, text },
            body: JSON.parse(text) as Readonly<Record<string, unknown>>,
          }),
        );
      });
      outgoing.on('error', reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });

/** What a server that asks for a certificate says to whoever connects: the first line of its answer, or nothing. */
const answerTo = (url: string, options: ConnectionOptions & { readonly agent?: Agent }): Promise<string> =>
  new Promise((resolve) => {
    const { port } = new URL(url);
    const socket = connect({ host: '127.0.0.1', port: Number(port), servername: 'localhost', ...options });
    let text = '';
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part;
      socket.end();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(`refused: ${error.code}`));
    socket.on('close', () => resolve(text.split('\r\n', 1)[0] || 'refused: closed'));
    socket.on('secureConnect', () =>
      socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'),
    );
  });

beforeAll(async () => {
  installation = newInstallation();
  const { path } = installation.folder;
  authority = makeAuthority(path, 'inside');
  strangers = makeAuthority(path, 'strangers');
  own = authority.issue('own');
  const front = (prefix: string): Settings => ({
    [`${prefix}CERT_PATH`]: own.certPath,
    [`${prefix}KEY_PATH`]: own.keyPath,
    [`${prefix}CLIENT_CA_PATH`]: authority.caPath,
  });
  issuer = await startIssuer(
    { JWT_ALGORITHM: 'ES256', ...front('AUTH_TLS_'), ...front('AUTH_PRIVATE_TLS_') },
    installation.folder,
  );
  service = await startService();
  impostors = {
    elsewhere: await startImpostor(authority.issue('elsewhere', { names: 'DNS:elsewhere.example' })),
    impostor: await startImpostor(strangers.issue('impostor')),
    old: await startImpostor(authority.issue('old', { days: -1 })),
  };
  gateway = await startGateway(installation, {
    GATEWAY_ROUTES_FILE: routes(),
    JWT_ALGORITHM: 'ES256',
    AUTH_SERVICE_URL: onName(issuer.url),
    REVOCATION_FEED_URL: onName(issuer.privateUrl),
    UPSTREAM_CA_PATH: authority.caPath,
    UPSTREAM_CLIENT_CERT_PATH: own.certPath,
    UPSTREAM_CLIENT_KEY_PATH: own.keyPath,
    GATEWAY_TLS_CERT_PATH: own.certPath,
    GATEWAY_TLS_KEY_PATH: own.keyPath,
    ...front('GATEWAY_PRIVATE_TLS_'),
  });
  call = secureClient(gateway.url);
  // Without keys and feed it would be 503.
  await vi.waitFor(async () => expect((await call('GET', `${api}/users/profile`)).status).toBe(401), patience);
});
afterAll(async () => {
  await gateway?.stop();
  for (const { close } of Object.values(impostors ?? {})) close();
  await service?.close();
  await issuer?.remove();
});

describe('an installation that speaks mutual TLS inside', () => {
  it('logs in through the gateway, reaches the service, and hears a logout on the feed', async () => {
    await expect.poll(service.isReady, patience).toBe(true);
    const { access, refresh } = await signUp(call, undefined, api);
    const profile = () => call('GET', `${api}/users/profile`, { bearer: access });
    expect(await profile()).toMatchObject({ status: 200, body: { from: 'service' } });
    expect((await call('POST', `${api}/auth/logout`, { body: { refresh_token: refresh } })).status).toBe(200);
    await expect.poll(async () => (await profile()).body['code'], patience).toBe('token_revoked');
  });

  it('says in the metrics of issuer and gateway when its certificate ends', async () => {
    const { certPath, keyPath } = own;
    const fetch = createTlsFetch({ caPath: authority.caPath, certPath, keyPath });
    const ends = async (url: string, name: string): Promise<number> => {
      const text = await (await fetch(`${onName(url)}/metrics`)).text();
      return Number(new RegExp(`^${name}_tls_certificate_expiry_timestamp_seconds ([\\d.e+]+)$`, 'm').exec(text)?.[1]);
    };
    for (const [url, name] of [
      [issuer.privateUrl, 'sallyport_auth'],
      [gateway.privateUrl, 'sallyport_gateway'],
    ] as const)
      expect(Math.abs((await ends(url, name)) - Date.now() / 1000 - 2 * 86_400)).toBeLessThan(3600);
  });
});

describe('the health check of the image', () => {
  const healthy = (env: Settings): number | null =>
    spawnSync(process.execPath, [fileURLToPath(new URL('../../deploy/healthy.mjs', import.meta.url))], { env }).status;

  it('asks a server that speaks TLS, and one that asks for a certificate', () => {
    const PROBE_PORT = new URL(issuer.url).port;
    const PROBE_CA_PATH = authority.caPath;
    const shown = { PROBE_CERT_PATH: own.certPath, PROBE_KEY_PATH: own.keyPath };
    expect([
      healthy({ PROBE_PORT, PROBE_CA_PATH, ...shown }),
      healthy({ PROBE_PORT, PROBE_CA_PATH }),
      healthy({ PROBE_PORT }),
    ]).toEqual([0, 1, 1]);
  });
});

describe('whoever cannot show who he is', () => {
  const doors = () =>
    [
      ['issuer', issuer.url],
      ['feed', issuer.privateUrl],
      ['metrics of the gateway', gateway.privateUrl],
      ['service', service.url],
    ] as const;
  const ca = () => readFileSync(authority.caPath);

  it('is let in with a certificate of the right authority: what is refused below is refused for its certificate', async () => {
    for (const [, url] of doors()) expect(await answerTo(url, { ca: ca(), ...read(own) })).toMatch(/^HTTP\/1\.1 /);
  });

  it.each([
    ['no certificate', () => ({})],
    ['a certificate of another authority', () => read(strangers.issue('stranger'))],
    ['an expired certificate', () => read(authority.issue('expired', { days: -1 }))],
    ["a server's certificate, which is no client's", () => read(authority.issue('server', { usage: 'serverAuth' }))],
    [
      'TLS 1.1',
      () => ({ ...read(own), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }) as const,
    ],
  ])('gets no answer with %s', async (_, shown) => {
    const options = shown();
    for (const [name, url] of doors())
      expect([name, await answerTo(url, { ca: ca(), ...options })]).toEqual([name, expect.stringMatching(/^refused/)]);
  });

  it.each([
    ['for another host name', 'elsewhere'],
    ['of another authority', 'impostor'],
    ['that has expired', 'old'],
  ] as const)('gets no request of gateway and SDK as a server with a certificate %s', async (_, name) => {
    const { url, requests } = impostors[name];
    const fetch = createTlsFetch({ caPath: authority.caPath });
    await expect(remoteJwks({ url, fetch, retries: 0 }).load()).rejects.toThrow('no usable keys');
    const { access } = await signUp(call, undefined, api);
    expect([(await call('GET', `${api}/${name}`, { bearer: access })).status, requests()]).toEqual([502, 0]);
  });
});

it('a renewed certificate is taken by everybody, without a restart', async () => {
  const before = await serialAt(issuer.url);
  const next = authority.issue('next');
  // Written beside and renamed, as those do who renew certificates.
  for (const [from, to] of [
    [next.certPath, own.certPath],
    [next.keyPath, own.keyPath],
  ] as const) {
    writeFileSync(`${to}.new`, readFileSync(from));
    renameSync(`${to}.new`, to);
  }
  issuer.signal('SIGHUP');
  for (const { url } of [issuer, gateway]) await expect.poll(() => serialAt(url), patience).not.toBe(before);
  const { access } = await signUp(call, undefined, api);
  expect((await call('GET', `${api}/users/profile`, { bearer: access })).status).toBe(200);
});

const serialAt = async (url: string): Promise<string> => {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), rejectUnauthorized: false });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
};
