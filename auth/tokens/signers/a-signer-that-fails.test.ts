/**
 * What no server does when it is asked to: a peer for faults alone, written from the published interface of the transit engine. What is
 * right is shown against the real ones (`vault.test.ts`, `kms.test.ts`).
 */
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SignerFailure } from '../signer.ts';
import { type CallSignerOptions, createSignerCalls } from './call-signer.ts';
import { openConnection } from './service-request.ts';
import { openVault } from './vault.ts';
import { createVaultLogin } from './vault-login.ts';

const none = new AbortController().signal;
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const input = Buffer.from('a.b');
const reference = 'transit/key:1';

const signature = (of: Buffer, key = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))) =>
  `vault:v1:${sign('sha256', of, { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;

const answer = (res: ServerResponse, status: number, body: unknown) =>
  void res
    .writeHead(status, { 'content-type': 'application/json' })
    .end(typeof body === 'string' ? body : JSON.stringify(body));

const peer = async (serve: (req: IncomingMessage, res: ServerResponse, count: number) => void): Promise<string> => {
  let count = 0;
  const server = createServer((req, res) => {
    count += 1;
    req.resume();
    serve(req, res, count);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const calls = async (serve: Parameters<typeof peer>[0], given: Partial<CallSignerOptions> = {}) => {
  const address = await peer(serve);
  const signer = openVault({ address, mount: 'transit', key: 'key', auth: { kind: 'token', token: 't' }, sockets: 4 });
  onTestFinished(() => signer.close());
  const failed: SignerFailure[] = [];
  const options = { signer, algorithm: 'ES256', parallel: 4, maxWaiting: 4, timeoutMs: 600 } as const;
  const made = createSignerCalls({
    ...options,
    onSigned: () => undefined,
    onFailed: (failure) => failed.push(failure),
    ...given,
  });
  return { sign: () => made.sign(reference, publicKey, input), reasons: () => failed.map(({ reason }) => reason) };
};

const right = (res: ServerResponse) => answer(res, 200, { data: { signature: signature(input) } });
const unavailable = { code: 'signer_unavailable', status: 503, retryAfterSeconds: 2 };

describe('a signer that fails', () => {
  it('is asked once more on a fresh connection where the one before breaks', async () => {
    const ports: (number | undefined)[] = [];
    const { sign: ask, reasons } = await calls((req, res, count) => {
      ports.push(req.socket.remotePort);
      if (count === 2) req.socket.destroy();
      else right(res);
    });
    await ask();
    await expect(ask()).resolves.toHaveLength(64);
    // The first connection was kept, and is not the one of the second try.
    expect([ports.length, ports[0] === ports[1], ports[2] === ports[1], reasons()]).toEqual([3, true, false, []]);
  });

  it('is asked twice and no more', async () => {
    let asked = 0;
    const { sign: ask, reasons } = await calls((req) => {
      asked += 1;
      req.socket.destroy();
    });
    await expect(ask()).rejects.toMatchObject(unavailable);
    expect([asked, reasons()]).toEqual([2, ['connection']]);
  });

  it('holds nobody for longer than the time, answered or not', async () => {
    let asked = 0;
    const { sign: ask, reasons } = await calls(() => {
      asked += 1;
    });
    await expect(ask()).rejects.toMatchObject(unavailable);
    expect([asked, reasons()]).toEqual([2, ['timeout']]);
  });

  it('lets so many call at once and so many wait, and refuses others at once', async () => {
    const open: ServerResponse[] = [];
    const { sign: ask, reasons } = await calls((_, res) => void open.push(res), { timeoutMs: 20_000 });
    const asked = Array.from({ length: 9 }, ask).map((each) =>
      each.then(
        () => 'signed',
        (error: unknown) => String((error as { readonly code?: unknown }).code),
      ),
    );
    await expect(Promise.race(asked)).resolves.toBe('signer_unavailable');
    expect(reasons()).toEqual(['queue_full']);
    const answering = setInterval(() => {
      for (const res of open.splice(0)) right(res);
    }, 5);
    const ends = await Promise.all(asked);
    clearInterval(answering);
    expect(ends.filter((end) => end === 'signed')).toHaveLength(8);
  });

  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  it.each([
    ['a signature of another key', 200, { data: { signature: signature(input, stranger) } }, 'malformed'],
    ['a signature of something else', 200, { data: { signature: signature(Buffer.from('c.d')) } }, 'malformed'],
    ['another version', 200, { data: { signature: signature(input).replace('v1', 'v2') } }, 'malformed'],
    [
      'DER',
      200,
      { data: { signature: `vault:v1:${sign('sha256', input, privateKey).toString('base64')}` } },
      'malformed',
    ],
    ['no data', 200, { data: null }, 'malformed'],
    ['no JSON', 200, '<html>', 'malformed'],
    ['nothing', 200, '', 'malformed'],
    ['more than may be', 200, 'x'.repeat(1_100_000), 'malformed'],
    ['a seal', 503, { errors: ['Vault is sealed'] }, 'unavailable'],
    ['a quota', 429, { errors: [] }, 'throttled'],
    ['a refusal', 403, { errors: ['permission denied'] }, 'denied'],
    ['no such key', 400, { errors: [] }, 'no_key'],
  ])('hands out nothing where the answer is %s', async (_, status, body, reason) => {
    const { sign: ask, reasons } = await calls((__, res) => answer(res, status, body));
    await expect(ask()).rejects.toMatchObject(unavailable);
    expect(reasons()).toEqual([reason]);
  });

  it('gets one login for many that ask at once, a renewal before the end, and another login where that is refused', async () => {
    const paths: string[] = [];
    let nowMs = 0;
    let renewal = 200;
    const address = await peer((req, res) => {
      paths.push(String(req.url));
      const isRenewal = req.url?.endsWith('renew-self') === true;
      const auth = { client_token: `t${paths.length}`, lease_duration: 60, renewable: true };
      answer(res, isRenewal ? renewal : 200, { auth });
    });
    const connection = openConnection({ address, sockets: 2 });
    onTestFinished(connection.close);
    const auth = { kind: 'approle', mount: 'approle', roleId: 'r', secretId: 's' } as const;
    const login = createVaultLogin({ auth, connection, headers: {}, nowMs: () => nowMs });
    const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => login.token(none)));
    expect(new Set([first, ...others])).toEqual(new Set(['t1']));
    nowMs += 30_000;
    await login.renew(none);
    nowMs += 15_000;
    await login.renew(none);
    expect(paths).toEqual(['/v1/auth/approle/login', '/v1/auth/token/renew-self']);
    nowMs += 45_000;
    renewal = 403;
    await login.renew(none);
    expect(paths.slice(2)).toEqual(['/v1/auth/token/renew-self', '/v1/auth/approle/login']);
    expect(await login.token(none)).toBe('t4');
  });
});
