import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, getCACertificates, setDefaultCACertificates, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestStore } from './testing/open-test-store.ts';
import { isPostgresMissing, type PostgresServer, startPostgres } from './testing/start-postgres.ts';

/** A certificate for `localhost` that has signed itself. */
const makeCertificate = (folder: string): void => {
  const files = ['-keyout', join(folder, 'server.key'), '-out', join(folder, 'server.crt')];
  const what = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', ...files, ...what],
    { stdio: 'pipe' },
  );
};

describe.skipIf(isPostgresMissing())('TLS to PostgreSQL', () => {
  let server: PostgresServer;
  let folder: string;
  let ca: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-tls-'));
    makeCertificate(folder);
    ca = readFileSync(join(folder, 'server.crt'), 'utf8');
    server = await startPostgres({ ssl: 'on', ssl_cert_file: 'server.crt', ssl_key_file: 'server.key' }, [
      join(folder, 'server.crt'),
      join(folder, 'server.key'),
    ]);
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const isOpened = async (host: string, mode: string, given?: string): Promise<boolean> => {
    const url = `postgres://sallyport@${host}:${server.port}/postgres?sslmode=${mode}`;
    const opened = openTestStore(url, given === undefined ? {} : { ca: given });
    return opened.then(
      async (store) => {
        await store.ping();
        await store.close();
        return true;
      },
      (error: unknown) => {
        expect(error).toMatchObject({ name: 'PostgresRefused' });
        return false;
      },
    );
  };

  it.each([
    ['verify-full', 'localhost', true],
    // The name in the certificate is another one; the library by itself would have asked for `localhost` here.
    ['verify-full', '127.0.0.1', false],
    ['verify-ca', '127.0.0.1', true],
  ])('is %s of %s with the authority given: %s', async (mode, host, accepted) => {
    expect(await isOpened(host, mode, ca)).toBe(accepted);
  });

  it('is refused without an authority that vouches for the server, except where nobody asks for one', async () => {
    expect(await isOpened('localhost', 'verify-full')).toBe(false);
    expect(await isOpened('127.0.0.1', 'verify-ca')).toBe(false);
    expect(await isOpened('127.0.0.1', 'require')).toBe(true);
  });

  it('is verified against an authority that is given, also where only TLS was required (libpq, table 34.1)', async () => {
    expect(await isOpened('127.0.0.1', 'require', ca)).toBe(true);
    const other = mkdtempSync(join(tmpdir(), 'sallyport-tls-'));
    makeCertificate(other);
    expect(await isOpened('127.0.0.1', 'require', readFileSync(join(other, 'server.crt'), 'utf8'))).toBe(false);
    rmSync(other, { recursive: true, force: true });
  });

  it('with an authority that vouches for everybody asks for the name, also where only an authority was to be asked', async () => {
    const known = getCACertificates('default');
    setDefaultCACertificates([...known, ca]);
    try {
      expect(await isOpened('localhost', 'verify-ca')).toBe(true);
      expect(await isOpened('127.0.0.1', 'verify-ca')).toBe(false);
    } finally {
      setDefaultCACertificates(known);
    }
  });

  it('is refused where the file of the authority was empty, also by an authority that vouches for everybody', async () => {
    const known = getCACertificates('default');
    setDefaultCACertificates([...known, ca]);
    try {
      for (const mode of ['require', 'verify-ca', 'verify-full'])
        expect([mode, await isOpened('localhost', mode, '')]).toEqual([mode, false]);
    } finally {
      setDefaultCACertificates(known);
    }
  });

  it('names the host that is wanted, so that whoever stands in front of several finds it (RFC 6066 §3)', async () => {
    const named: string[] = [];
    const context = createSecureContext({ key: readFileSync(join(folder, 'server.key')), cert: ca });
    const proxy = createServer((socket) => {
      socket.once('data', () => {
        socket.write('S');
        const secure = new TLSSocket(socket, {
          isServer: true,
          SNICallback: (name, done) => {
            named.push(name);
            done(null, context);
          },
        });
        secure.on('error', () => socket.destroy()).once('data', () => socket.destroy());
      });
      socket.on('error', () => socket.destroy());
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const url = `postgres://sallyport@localhost:${(proxy.address() as AddressInfo).port}/postgres?sslmode=verify-full`;
    await expect(openTestStore(url, { ca })).rejects.toMatchObject({ name: 'PostgresRefused' });
    proxy.close();
    expect(named).toEqual(['localhost']);
  });

  it('is what is spoken then, and never given up for a server that has none', async () => {
    // N: the server speaks no TLS (PostgreSQL, protocol 3.0, SSLRequest).
    const plain = createServer((socket) => void socket.once('data', () => socket.write('N'))).listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const url = `postgres://sallyport@127.0.0.1:${(plain.address() as AddressInfo).port}/postgres?sslmode=require`;
    await expect(openTestStore(url)).rejects.toMatchObject({ name: 'PostgresRefused' });
    plain.close();
  });
});
