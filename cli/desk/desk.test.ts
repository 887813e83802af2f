import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { adminClient } from './admin-client.ts';
import { remoteDesk } from './remote-desk.ts';

const credential = `sp_0123456789ab_${'A'.repeat(43)}`;
const stops: (() => unknown)[] = [];
afterEach(() => Promise.all(stops.splice(0).map((stop) => stop())));

/** A server that is no issuer of ours: what a command does with it must not depend on its good will. */
const serve = async (answer: RequestListener): Promise<{ readonly url: string; readonly seen: IncomingMessage[] }> => {
  const seen: IncomingMessage[] = [];
  const server = createServer((req, res) => {
    seen.push(req);
    answer(req, res);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
};

const refusal = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return 'none';
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
};

describe('a credential', () => {
  it('is sent over https alone, but to this machine', async () => {
    for (const url of [
      'http://admin.example.org',
      'http://localhost.example.org',
      'http://127.0.0.1.example.org',
      'http://10.0.0.1',
    ])
      expect(await refusal(() => adminClient({ url, credential }))).toContain('https alone');
    for (const url of ['ftp://localhost', 'localhost:9181', 'admin', ''])
      expect(await refusal(() => adminClient({ url, credential }))).toContain('is an address');
    for (const url of ['https://admin.example.org', 'http://localhost:9181', 'http://[::1]:9181', 'http://127.0.0.1'])
      expect(await refusal(() => adminClient({ url, credential }))).toBe('none');
  });

  it('goes nowhere that an answer points to, and stands in no message', async () => {
    const elsewhere = await serve((_, res) => res.end('{}'));
    const { url } = await serve((_, res) => res.writeHead(307, { location: elsewhere.url }).end());
    const message = await refusal(() => adminClient({ url, credential }).call('GET', '/users'));
    expect(message).toContain('does not answer');
    expect(message).not.toContain(credential.slice(16));
    expect(elsewhere.seen).toEqual([]);
  });
});

describe('a desk elsewhere', () => {
  it('takes an account that merely begins alike for no account', async () => {
    const user = { id: '019b0000-0000-7000-8000-000000000000', email: 'ada@example.org.example.com' };
    const { url, seen } = await serve((_, res) => res.end(JSON.stringify({ users: [user] })));
    const desk = remoteDesk(adminClient({ url, credential }));
    expect(await refusal(() => desk.setDisabled('ada@example.org', true))).toBe('There is no account ada@example.org.');
    expect(seen.map(({ method }) => method)).toEqual(['GET']);
  });

  it('says what is refused and which scope it asks for; what is no admin API is not taken for one', async () => {
    const problem = {
      code: 'scope_insufficient',
      title: 'The token has not the scope that is needed',
      scope: 'users:read',
    };
    const { url } = await serve((_, res) => res.writeHead(403).end(JSON.stringify(problem)));
    expect(await refusal(() => remoteDesk(adminClient({ url, credential })).listUsers(1))).toContain(
      'it asks for users:read',
    );
    const other = await serve((_, res) => res.writeHead(404).end('<html>'));
    const desk = remoteDesk(adminClient({ url: other.url, credential }));
    expect(await refusal(() => desk.endSession('019b0000-0000-7000-8000-000000000000'))).toContain('status 404');
  });
});
