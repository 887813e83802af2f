import { Problem } from '@sallyport/contract';
import type { OpenHandler } from './route.ts';

export interface HealthOptions {
  readonly serviceName: string;
  readonly isReady: () => Promise<boolean>;
}

/** `health`: the process lives. `ready`: it can serve, which needs the store. */
export const createHealthHttp = ({
  serviceName,
  isReady,
}: HealthOptions): Readonly<Record<'health' | 'ready', OpenHandler>> => ({
  health: async () => ({ status: 200, body: { status: 'healthy', service: serviceName } }),
  ready: async () => {
    if (!(await isReady())) throw new Problem('not_ready', { retryAfterSeconds: 1 });
    return { status: 200, body: { status: 'ready' } };
  },
});
