import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RevocationFeedEntry, revocationFeedPath, revocationFeedVersion } from '@sallyport/contract';

/** An issuer's feed as the wire has it, driven by hand. */
export interface FeedServer {
  readonly url: string;
  /** To every subscriber: a whole snapshot, nothing in it. */
  snapshot(): void;
  tell(...entries: readonly Partial<RevocationFeedEntry>[]): void;
  stop(): void;
}

/** @param issuer `iss` that it speaks of */
export const startFeedServer = async (issuer: string): Promise<FeedServer> => {
  const subscribers = new Set<ServerResponse>();
  let position = 0;
  const send = (name: string, data: unknown): void => {
    position += 1;
    for (const res of subscribers) res.write(`event: ${name}\nid: s.${position}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const server = createServer((_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    subscribers.add(res);
    res.on('close', () => subscribers.delete(res));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${revocationFeedPath}`,
    snapshot: () => {
      send('reset', { version: revocationFeedVersion, issuer });
      send('synced', {});
    },
    tell: (...entries) =>
      send(
        'entries',
        entries.map((entry) => ({ atMs: Date.now(), untilMs: Date.now() + 900_000, ...entry })),
      ),
    stop: () => server.close().closeAllConnections(),
  };
};
