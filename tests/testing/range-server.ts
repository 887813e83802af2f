import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export const sha1Of = (password: string): string => createHash('sha1').update(password).digest('hex').toUpperCase();

/** The range form of the Pwned Passwords API over a few passwords. `behave` answers in its place. */
export const startRangeServer = async (breached: readonly string[]) => {
  const asked: string[] = [];
  let behaviour: RequestListener | undefined;
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (behaviour !== undefined) return behaviour(request, response);
    const prefix = (request.url ?? '').slice('/range/'.length);
    const found = breached.map(sha1Of).filter((hash) => hash.startsWith(prefix));
    return response.end([...found.map((hash) => `${hash.slice(5)}:3`), `${'0'.repeat(35)}:0`].join('\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/range/`,
    asked,
    behave: (listener: RequestListener | undefined): void => {
      behaviour = listener;
    },
    close: (): void => {
      server.close();
      server.closeAllConnections();
    },
  };
};
