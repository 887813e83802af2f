import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type Certificate, makeCertificate, testFolder } from '../testing/certificates.ts';
import { bearer, type Rig, type Seen, send, sendRaw, startGateway, valuesOf } from '../testing/rig.ts';

const path = '/api/v1/users/profile';

const ask = (port: number, ca: string, agent?: Agent): Promise<{ status: number; body: string; serial: string }> =>
  new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      servername: 'localhost',
      port,
      path,
      ca,
      headers: bearer(),
      agent: agent ?? false,
    };
    const outgoing = request(options, (response) => {
      const serial = (response.socket as TLSSocket).getPeerCertificate().serialNumber;
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body, serial }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });

const serialOf = async (port: number, ca: string): Promise<string> => {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: [ca], rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
};

const startSecure = async (env: Readonly<Record<string, string>> = {}) => {
  const folder = testFolder();
  const own = makeCertificate(folder, 'front', 'DNS:localhost');
  const tls = { GATEWAY_TLS_CERT_PATH: own.certPath, GATEWAY_TLS_KEY_PATH: own.keyPath };
  const gateway = await startGateway({ ...tls, ...env });
  return { folder, own, gateway };
};

/** Written beside and renamed, as those do who renew certificates. */
const replace = (target: string, text: string): void => {
  writeFileSync(`${target}.new`, text);
  renameSync(`${target}.new`, target);
};

describe('TLS in front', () => {
  it('is all that the port speaks, says https to services, and refuses what is older than 1.2', async () => {
    const { own, gateway } = await startSecure();
    expect(gateway.url).toMatch(/^https:/);
    const { status, body } = await ask(gateway.port, own.cert);
    expect([status, valuesOf(JSON.parse(body) as Seen, 'x-forwarded-proto')]).toEqual([200, ['https']]);
    expect(await sendRaw(gateway, `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`, 2000)).not.toContain(' 200 ');
    const old = connect({
      host: '127.0.0.1',
      port: gateway.port,
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
      ciphers: 'ALL@SECLEVEL=0',
      rejectUnauthorized: false,
    });
    const [error] = (await once(old, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toMatch(/PROTOCOL_VERSION|ALERT|ECONNRESET|UNSUPPORTED/);
  });

  it('takes a certificate that is replaced, without ending a connection; a wrong pair changes nothing', async () => {
    const { folder, own, gateway } = await startSecure();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const first = await ask(gateway.port, own.cert, agent);
    const next = makeCertificate(folder, 'next', 'DNS:localhost');
    // The key comes a moment later: until then the two do not belong together.
    replace(own.certPath, next.cert);
    await expect.poll(() => serialOf(gateway.port, own.cert), { timeout: 500 }).toBe(first.serial);
    replace(own.keyPath, next.key);
    await expect.poll(() => serialOf(gateway.port, own.cert), { timeout: 5000 }).not.toBe(first.serial);
    expect((await ask(gateway.port, next.cert)).status).toBe(200);
    expect((await ask(gateway.port, own.cert, agent)).serial).toBe(first.serial);
    await expect(ask(gateway.port, own.cert)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  });

  it('carries WebSockets', async () => {
    const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    sockets.on('connection', (peer) => peer.on('message', (data) => peer.send(data)));
    await once(sockets, 'listening');
    onTestFinished(() => {
      for (const peer of sockets.clients) peer.terminate();
      sockets.close();
    });
    const { own, gateway } = await startSecure({
      USER_SERVICE_URL: `http://127.0.0.1:${(sockets.address() as AddressInfo).port}`,
    });
    const url = `wss://localhost:${gateway.port}/api/v1/users/chat`;
    const socket = new WebSocket(url, { headers: bearer(), ca: own.cert });
    onTestFinished(() => socket.terminate());
    await once(socket, 'open');
    socket.send('x'.repeat(100_000));
    const [data] = await once(socket, 'message');
    expect(String(data)).toHaveLength(100_000);
  });

  it.each([
    ['a key alone', { GATEWAY_TLS_CERT_PATH: '' }, 'GATEWAY_TLS_CERT_PATH'],
    ['a certificate alone', { GATEWAY_TLS_KEY_PATH: '' }, 'GATEWAY_TLS_KEY_PATH'],
    ['the key of another', { GATEWAY_TLS_KEY_PATH: 'other.key' }, 'is not the key of the first certificate'],
    ['a missing file', { GATEWAY_TLS_KEY_PATH: 'missing.key' }, 'cannot be read (ENOENT)'],
    ['a certificate for a key', { GATEWAY_TLS_KEY_PATH: 'own.crt' }, 'holds no private key'],
    ['no certificate at all for services', { UPSTREAM_CA_PATH: 'own.key' }, 'holds no certificate'],
  ])('a start with %s is refused', async (_, wrong, problem) => {
    const folder = testFolder();
    const own = makeCertificate(folder, 'own', 'DNS:localhost');
    makeCertificate(folder, 'other', 'DNS:localhost');
    const env: Record<string, string | undefined> = {
      GATEWAY_TLS_CERT_PATH: own.certPath,
      GATEWAY_TLS_KEY_PATH: own.keyPath,
    };
    for (const [name, file] of Object.entries(wrong)) env[name] = file === '' ? undefined : join(folder, file);
    await expect(startGateway(env)).rejects.toThrow(problem);
  });
});

const startSecureService = async ({
  cert,
  key,
}: Certificate): Promise<{ readonly url: string; readonly names: unknown[] }> => {
  const names: unknown[] = [];
  const server = createServer({ cert, key }, (_, res) => res.end('from behind'));
  server.on('secureConnection', (socket) => names.push(socket.servername));
  server.on('tlsClientError', () => undefined);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `https://localhost:${(server.address() as AddressInfo).port}`, names };
};

const get = (gateway: Rig) => send(gateway, path, { headers: bearer() });

describe('TLS behind', () => {
  it('is verified: a certificate of nobody that is believed gets no request', async () => {
    const service = await startSecureService(makeCertificate(testFolder(), 'service', 'DNS:localhost'));
    const gateway = await startGateway({ USER_SERVICE_URL: service.url });
    expect((await get(gateway)).status).toBe(502);
  });

  it('believes the authorities of UPSTREAM_CA_PATH, for the name they vouch for alone', async () => {
    const folder = testFolder();
    const [right, wrong] = [
      makeCertificate(folder, 'right', 'DNS:localhost'),
      makeCertificate(folder, 'wrong', 'DNS:elsewhere.example'),
    ];
    const both = join(folder, 'ca.pem');
    writeFileSync(both, `${right.cert}\n${wrong.cert}`);
    const service = await startSecureService(right);
    const gateway = await startGateway({ USER_SERVICE_URL: service.url, UPSTREAM_CA_PATH: both });
    const answer = await get(gateway);
    expect([answer.status, answer.body, service.names]).toEqual([200, 'from behind', ['localhost']]);
    const impostor = await startSecureService(wrong);
    const misled = await startGateway({ USER_SERVICE_URL: impostor.url, UPSTREAM_CA_PATH: both });
    expect((await get(misled)).status).toBe(502);
  });
});
