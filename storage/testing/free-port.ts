import { once } from 'node:events';
import { createServer } from 'node:net';

/** Of the loopback, free a moment ago: for a server of somebody else's that takes no port 0. */
export const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
};
