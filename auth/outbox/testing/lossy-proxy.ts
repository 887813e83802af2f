import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface LossyProxy {
  readonly port: number;
  /** Where the broker listens; before that is said, connections are closed. */
  lead(port: number): void;
  /** The next answer to a Produce request is lost, with its connection: the broker has the records, and the client does not know. */
  loseNextAnswer(): void;
  close(): Promise<void>;
}

/** Of the protocol: length (4 bytes), then the key of the API (2 bytes); 0 is Produce. */
const isProduce = (chunk: Buffer): boolean => chunk.length >= 6 && chunk.readInt16BE(4) === 0;

/** Stands between a client and a broker that is advertised at its address. */
export const startLossyProxy = async (): Promise<LossyProxy> => {
  let target = 0;
  let isLosing = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const broker = connect(target, '127.0.0.1');
    let loses = false;
    for (const socket of [client, broker]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        broker.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      if (isLosing && isProduce(chunk)) [loses, isLosing] = [true, false];
      broker.write(chunk);
    });
    broker.on('data', (chunk) => {
      if (loses) client.destroy();
      else client.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    lead: (port) => {
      target = port;
    },
    loseNextAnswer: () => {
      isLosing = true;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
