import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { listen, type ServerCertificate } from './listener.ts';
import { type Authority, makeAuthority } from './testing/authority.ts';

let folder: string;
let inside: Authority;
let certificate: ServerCertificate;
let client: ConnectionOptions;
let stranger: ConnectionOptions;

const text = (path: string): string => readFileSync(path, 'utf8');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-tls-'));
  inside = makeAuthority(folder, 'inside');
  const [server, known, unknown] = [
    inside.issue('server'),
    inside.issue('client', { usage: 'clientAuth' }),
    makeAuthority(folder, 'outside').issue('stranger'),
  ];
  certificate = { cert: text(server.certPath), key: text(server.keyPath), clientCa: [text(inside.caPath)] };
  client = { cert: text(known.certPath), key: text(known.keyPath) };
  stranger = { cert: text(unknown.certPath), key: text(unknown.keyPath) };
  return () => rmSync(folder, { recursive: true });
});

/** Whether a listener answers whoever shows this. */
const lets = async (options: ConnectionOptions, begin: typeof listen = listen): Promise<boolean> => {
  const listener = await begin({ port: 0, handler: (_, response) => void response.end('inside'), certificate });
  onTestFinished(() => listener.close(0));
  const ca = text(inside.caPath);
  const socket = connect({ host: '127.0.0.1', port: listener.port, servername: 'localhost', ca, ...options });
  let answer = '';
  socket.setEncoding('latin1').on('data', (part: string) => {
    answer += part;
  });
  socket.on('error', () => undefined);
  socket.on('secureConnect', () => socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'));
  await new Promise((resolve) => socket.once('close', resolve));
  return answer.endsWith('inside');
};

it('a listener that was given authorities answers who shows a certificate of theirs, and nobody else', async () => {
  expect([await lets(client), await lets({}), await lets(stranger)]).toEqual([true, false, false]);
});

it('a listener that would only ask for the certificate, and not insist, answers everybody', async () => {
  const output = fileURLToPath(new URL('../test-output/', import.meta.url));
  mkdirSync(output, { recursive: true });
  const copy = mkdtempSync(join(output, 'kit-'));
  onTestFinished(() => rmSync(copy, { recursive: true }));
  cpSync(import.meta.dirname, copy, { recursive: true, filter: (path) => !/node_modules|\.test\.ts$/.test(path) });
  const file = join(copy, 'listener-open.ts');
  const [before, after, ...more] = text(file).split('rejectUnauthorized: asksClients');
  if (before === undefined || after === undefined || more.length > 0) throw new Error('the sabotage finds no place');
  writeFileSync(file, `${before}rejectUnauthorized: false${after}`);
  const broken = (await import(pathToFileURL(join(copy, 'listener.ts')).href)) as { readonly listen: typeof listen };
  expect([await lets({}, broken.listen), await lets(stranger, broken.listen)]).toEqual([true, true]);
});
