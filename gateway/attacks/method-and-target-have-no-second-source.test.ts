import { expect, it } from 'vitest';
import { bearer, seenBy, send, startGateway } from '../testing/rig.ts';

it('a GET cannot ask a service to take it for a DELETE, or for another path, past CSRF and route', async () => {
  const gateway = await startGateway();
  const headers = {
    ...bearer(),
    'X-HTTP-Method-Override': 'DELETE',
    'X-HTTP-Method': 'DELETE',
    'x-method_override': 'DELETE',
    'X-Original-URL': '/users/account',
    'X-Rewrite-URL': '/users/account',
  };
  const seen = seenBy(await send(gateway, '/api/v1/users/profile', { headers }));
  expect(seen.lines.filter(([name]) => /method|url/i.test(name))).toEqual([]);
});
