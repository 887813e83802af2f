import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the range that the system hands out by itself, so that nobody else is given the port in between. */
const range = [20_000, 29_000] as const;
const privatePortDistance = 1000;
const maxTries = 50;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });

/** A port that is free, as is its private one 1000 above. */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const port = randomInt(...range);
    if ((await isFree(port)) && (await isFree(port + privatePortDistance))) return port;
  }
  throw new Error('no free port found');
};
