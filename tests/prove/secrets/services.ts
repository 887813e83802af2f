/** Two services behind the gateways, as the SDK guards them: one that believes assertions, and one with the plain signature. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGuard, type GuardOptions } from '@sallyport/verify';
import { guardNode } from '@sallyport/verify/node';

export interface RotatedService {
  readonly url: string;
  /** As a service that rolls behind one address: the next request meets the new keys. */
  believe(keys: Partial<GuardOptions>): void;
  close(): void;
}

const guarded = (options: GuardOptions): RequestListener =>
  guardNode(createGuard(options), (_request, response, caller) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ user: caller?.kind === 'user' ? caller.userId : null }));
  });

export const rotatedService = async (service: string, first: Partial<GuardOptions>): Promise<RotatedService> => {
  const make = (keys: Partial<GuardOptions>) => guarded({ service, ...keys });
  let handler = make(first);
  const server = createServer((request, response) => handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    believe: (keys) => {
      handler = make(keys);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
