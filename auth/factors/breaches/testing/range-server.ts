import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RangeServer {
  readonly url: string;
  /** What was asked, in order. */
  readonly asked: { readonly prefix: string; readonly headers: IncomingMessage['headers'] }[];
  /** Answers instead of the list from now on; undefined: the list again. */
  behave(answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined): void;
  close(): Promise<void>;
}

export const sha1Of = (password: string): string => createHash('sha1').update(password).digest('hex').toUpperCase();

/** The range form of the Pwned Passwords API over a list of passwords: suffixes with counts, padded with entries of count 0. */
export const startRangeServer = async (breached: Readonly<Record<string, number>>): Promise<RangeServer> => {
  const asked: RangeServer['asked'] = [];
  let behaviour: Parameters<RangeServer['behave']>[0];
  const server = createServer((request, response) => {
    const prefix = (request.url ?? '').slice('/range/'.length);
    asked.push({ prefix, headers: request.headers });
    if (behaviour !== undefined) return behaviour(request, response);
    return response.end(rangeOf(prefix, breached).join('\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/range/`,
    asked,
    behave: (answer) => {
      behaviour = answer;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const rangeOf = (prefix: string, breached: Readonly<Record<string, number>>): string[] => {
  const found = Object.entries(breached)
    .map(([password, count]) => [sha1Of(password), count] as const)
    .filter(([hash]) => hash.startsWith(prefix))
    .map(([hash, count]) => `${hash.slice(5)}:${count}`);
  const padding = Array.from({ length: 800 }, (_, index) => `${sha1Of(`${prefix}${index}`).slice(5)}:0`);
  return [...padding.slice(0, 400), ...found, ...padding.slice(400)];
};
