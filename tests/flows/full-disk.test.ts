/** What people see while the disk is full: writes are 503, reads go on, nobody is logged out, and all is well when there is room again. */
import { maySmallDisksNotBeMounted, mountSmallDisk, type SmallDisk } from '@sallyport/storage/testing/small-disk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOnPostgres, isOnRedis } from '../testing/database.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, startIssuer } from '../testing/issuer.ts';
import { login, newPerson, register, signUp, tokensOf } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

describe.skipIf(isOnPostgres || isOnRedis || maySmallDisksNotBeMounted())('on a disk that is full', () => {
  let issuer: Issuer;
  let call: Call;
  let disk: SmallDisk;
  beforeAll(async () => {
    const folder = issuerFolder();
    disk = mountSmallDisk(folder.path, 8);
    issuer = await startIssuer({ REFRESH_ROTATION: 'on' }, folder);
    call = httpClient(issuer.url);
  });
  afterAll(async () => {
    await issuer.stop();
    disk.unmount();
    await issuer.remove();
  });
  const refresh = (token: string): Promise<Answer> => call('POST', '/auth/refresh', { body: { refresh_token: token } });

  it('writes are 503 and tell the operator why, reads go on, and every session goes on when there is room', async () => {
    const { refresh: first, access } = await signUp(call);
    disk.fill();
    const { token, refused } = await refreshUntilRefused(first);
    expectProblem(refused, 'store_unavailable');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    const newcomer = newPerson();
    expectProblem(await register(call, newcomer), 'store_unavailable');
    expect((await call('GET', '/auth/verify', { bearer: access })).status).toBe(200);
    expect((await call('GET', '/.well-known/jwks.json')).status).toBe(200);
    await issuer.waitForLine((line) => /disk is full/.test(JSON.stringify(line)));
    disk.free();
    const again = await refresh(token);
    expect(again.status).toBe(200);
    expect((await refresh(tokensOf(again).refresh)).status).toBe(200);
    // Nothing of the refused registration was kept.
    await signUp(call, newcomer);
    await login(call, newcomer);
  });

  /** The log has room of its own for some writes. */
  const refreshUntilRefused = async (first: string): Promise<{ token: string; refused: Answer }> => {
    let token = first;
    for (let tries = 0; tries < 2000; tries += 1) {
      const answer = await refresh(token);
      if (answer.status !== 200) return { token, refused: answer };
      token = tokensOf(answer).refresh;
    }
    throw new Error('the disk was never full');
  };
});
