import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOnRedis } from '../testing/database.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

let issuer: Issuer;
let call: Call;
beforeAll(async () => {
  issuer = await startIssuer({ REFRESH_ROTATION: 'on' });
  call = httpClient(issuer.url);
});
afterAll(() => issuer.remove());

const refresh = (token: string): Promise<Answer> => call('POST', '/auth/refresh', { body: { refresh_token: token } });

// Writes are held up by SQL; what a Redis that hangs does, sessions-in-redis.test.ts shows.
describe.skipIf(isOnRedis)('while the store does not answer', () => {
  it('writes are 503 with Retry-After within 2 s, never 401; reads go on; nobody is logged out', async () => {
    const { access, refresh: token } = await signUp(call);
    const unlock = await issuer.folder.database.lockWrites();
    const started = performance.now();
    const refused = await refresh(token);
    expect(performance.now() - started).toBeLessThan(2000);
    expectProblem(refused, 'store_unavailable');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect((await call('GET', '/auth/verify', { bearer: access })).status).toBe(200);
    expectProblem(await call('POST', '/auth/logout', { body: { refresh_token: token } }), 'store_unavailable');
    await unlock();
    await sleep(50);
    const again = await refresh(token);
    expect(again.status).toBe(200);
    expect((await refresh(String(again.body['refresh_token']))).status).toBe(200);
  });
});
