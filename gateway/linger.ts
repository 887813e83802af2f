import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Exchange } from './exchange.ts';
import { hasBody } from './headers/inbound.ts';

/** How much of an unwanted body is read and thrown away so that its sender gets to read the answer, and for how long. */
const lingerBytes = 1_048_576;
const lingerMs = 2_000;

/**
 * An answer may go out before the request's body has come in. To close at once would reset the connection, and the answer
 * could be lost on the way; so the rest is read within limits, then the connection is cut.
 */
export const lingerAfterAnswer = ({ req, res, headers }: Exchange): void => {
  if (req.complete || !hasBody(headers)) return;
  res.once('finish', () => {
    if (!req.complete && !req.destroyed) discardRest(req);
  });
};

const discardRest = (req: IncomingMessage): void => {
  let left = lingerBytes;
  const cut = (): void => void req.socket.destroy();
  const timer = setTimeout(cut, lingerMs);
  req.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) cut();
  });
  req.once('close', () => clearTimeout(timer));
  // A request body that ends only now pauses its source: nobody else wants it any more.
  req.on('pause', () => req.resume());
  req.resume();
};

/**
 * Ends a socket that node:http has handed over. What its other side still says is read and thrown away: unread it would hide that
 * side's own end, and the socket would stay for ever.
 * @param last written before the end
 */
export const endSocket = (socket: Duplex, last?: Uint8Array): void => {
  if (last === undefined) socket.end();
  else socket.end(last);
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
  // A pipe that ends only now pauses its source.
  socket.on('pause', () => socket.resume());
  socket.resume();
};
