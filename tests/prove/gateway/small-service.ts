/**
 * A service for the proofs of the gateway, in a process of its own so that it can be killed: `node small-service.ts <port>`.
 * `/big` answers with 4 MB; everything else after up to 5 ms with how many bytes came.
 */
import { createServer } from 'node:http';

const big = Buffer.alloc(4_000_000);
const server = createServer((req, res) => {
  let bytes = 0;
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  req.on('error', () => undefined);
  req.on('end', () => {
    if (req.url?.endsWith('/big')) res.end(big);
    else setTimeout(() => res.end(String(bytes)), Math.random() * 5);
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.send?.('listening'));
process.on('disconnect', () => process.exit());
