/** Stands between the browser and the issuer, and loses answers: the issuer has acted, the browser hears nothing. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly attempt: string | undefined;
  readonly lost: boolean;
}

export interface LossyProxy {
  readonly port: number;
  readonly seen: readonly Seen[];
  /** The answers to the next `count` refreshes get lost. */
  loseRefreshes(count: number): void;
  /** Nobody answers at all. */
  cut(isCut: boolean): void;
  close(): Promise<void>;
}

export const startLossyProxy = async (issuerPort: number): Promise<LossyProxy> => {
  const seen: Seen[] = [];
  let toLose = 0;
  let isCut = false;

  const forward = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const { method = '', url: path = '', headers } = incoming;
    if (isCut) {
      incoming.socket.destroy();
      return;
    }
    const upstream = request({ host: '127.0.0.1', port: issuerPort, method, path, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const lost = toLose > 0 && method === 'POST' && path.endsWith('/refresh-token');
        if (lost) toLose -= 1;
        const attempt = headers['idempotency-key'];
        seen.push({ method, path, status: answer.statusCode ?? 0, attempt: attempt?.toString(), lost });
        if (lost) {
          incoming.socket.destroy();
          return;
        }
        // On a connection of its own each: Chromium repeats by itself what gets lost on a used one.
        outgoing.writeHead(answer.statusCode ?? 502, { ...answer.headers, connection: 'close' });
        outgoing.end(Buffer.concat(chunks));
      });
    });
    upstream.on('error', () => incoming.socket.destroy());
    incoming.pipe(upstream);
  };

  const server = createServer(forward);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    loseRefreshes: (count) => {
      toLose = count;
    },
    cut: (cut) => {
      isCut = cut;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
