/**
 * Several threads that serve one public port: each a whole gateway of its own, with its own listener, keys, feed and connections to
 * services. The main thread owns what there is one of: signals, log, private listener, route file, agreement with other gateways.
 * Common to all: the memory that counts requests, and who is ready. Never: one thread's end takes another one's requests along.
 */
import { availableParallelism } from 'node:os';
import type { GatewaySettings } from '../config.ts';

const maxWorkers = 64;
/** Systems where sockets can share a port (`SO_REUSEPORT` with a balanced share): node:net, `listen`, `reusePort`. */
const sharing: readonly NodeJS.Platform[] = ['linux', 'freebsd'];

/** How many threads serve. 1: the main thread itself. */
export const workerCount = ({ workers }: Pick<GatewaySettings, 'workers'>): number => {
  if (workers !== 'auto') return Number(workers);
  return sharing.includes(process.platform) ? Math.min(availableParallelism(), maxWorkers) : 1;
};
