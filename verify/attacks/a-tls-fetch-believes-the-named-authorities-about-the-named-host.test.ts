/** `createTlsFetch` speaks to the host of its URL, vouched for by an authority of its file; no accident of a file or a header changes that. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { makeAuthority } from '@sallyport/kit/testing/authority';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTlsFetch } from '../index.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-tls-fetch-'));
const [own, world] = [makeAuthority(folder, 'own'), makeAuthority(folder, 'world')];
const servers: Server[] = [];
const received: string[] = [];
const usual = getCACertificates('default');

const serve = async (authority: typeof own, file: string, names?: string): Promise<string> => {
  const { certPath, keyPath } = authority.issue(file, names === undefined ? {} : { names });
  const pair = { cert: readFileSync(certPath), key: readFileSync(keyPath) };
  const server = createServer(pair, ({ method, headers }, response) => {
    received.push(`${method} ${file} ${headers.authorization}`);
    response.end('{}');
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `https://localhost:${(server.address() as AddressInfo).port}/`;
};

beforeAll(() => {
  // One of the authorities that this process believes where nothing else is said.
  setDefaultCACertificates([readFileSync(world.caPath, 'utf8')]);
});
afterAll(() => {
  setDefaultCACertificates(usual);
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

const headers = { authorization: 'Bearer secret' };

it('not the system’s list where the file of the authorities is empty, as one is that is being written', async () => {
  const url = await serve(world, 'impostor');
  const caPath = join(folder, 'ca.pem');
  for (const text of ['', '\n', 'no certificate']) {
    writeFileSync(caPath, text);
    await expect(createTlsFetch({ caPath })(url, { headers })).rejects.toThrow();
  }
  expect(received).toEqual([]);
  expect((await createTlsFetch({})(url)).status).toBe(200);
  received.length = 0;
});

it('not the host that a header names', async () => {
  const url = await serve(own, 'elsewhere', 'DNS:elsewhere.example');
  const fetch = createTlsFetch({ caPath: own.caPath });
  const asked = fetch(url, { headers: { ...headers, host: 'elsewhere.example' } });
  await expect(asked).rejects.toThrow(expect.objectContaining({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }));
  expect(received).toEqual([]);
  for (const right of [await serve(own, 'right'), (await serve(own, 'right')).replace('localhost', '127.0.0.1')])
    expect((await fetch(right, { headers: { host: 'elsewhere.example' } })).status).toBe(200);
  received.length = 0;
});

it('refuses a Request rather than send another one', async () => {
  const url = await serve(own, 'service');
  const asked = new Request(url, { method: 'DELETE', headers });
  await expect(createTlsFetch({ caPath: own.caPath })(asked)).rejects.toThrow(TypeError);
  expect(received).toEqual([]);
});
