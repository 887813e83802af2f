import type { Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';

/** By the client's address and port: the socket that has shaken hands is another object than the one that came. */
const underWay = new WeakMap<Server, Map<string, Socket>>();

const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

/**
 * Looks after the connections whose TLS handshake is under way: node:http does not know them, and neither its limits nor its `close`
 * ends one. What fails, or takes too long, is ended; node:tls leaves that to whoever listens for client errors.
 */
export const watchHandshakes = (server: SecureServer): void => {
  const shaking = new Map<string, Socket>();
  underWay.set(server, shaking);
  server.on('connection', (socket: Socket) => {
    const name = nameOf(socket);
    shaking.set(name, socket);
    socket.once('close', () => {
      if (shaking.get(name) === socket) shaking.delete(name);
    });
  });
  server.on('secureConnection', (socket) => shaking.delete(nameOf(socket)));
  // First of all who listen: before the handshake has ended, an answer would wait for its end for ever, and the socket with it.
  server.prependListener('tlsClientError', (_, socket) => socket.destroy());
};

/** Ends them; the server does not listen any more. */
export const endHandshakes = (server: Server): void => {
  for (const socket of underWay.get(server)?.values() ?? []) socket.destroy();
};
