import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, startIssuer } from '../testing/issuer.ts';
import { type LoggedIn, signUp, tokensOf } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const shortest = { REFRESH_TOKEN_TTL_SECONDS: '5', ACCESS_TOKEN_TTL_SECONDS: '5', CLOCK_LEEWAY_SECONDS: '0' };
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('lifetimes', () => {
  let issuers: readonly Issuer[];
  let rotating: Call;
  let fixed: Call;
  let ending: Call;
  let short: LoggedIn;
  let idle: LoggedIn;
  let busy: LoggedIn;
  beforeAll(async () => {
    // contracts/device-chat.md: the lifetime of the session's row, by the contract's own name.
    const ofSession = { ...shortest, REFRESH_TOKEN_TTL_SECONDS: '720h', SESSION_EXPIRATION: '5s' };
    issuers = await Promise.all(
      [{ ...shortest, REFRESH_ROTATION: 'on' }, shortest, ofSession].map((settings) => startIssuer(settings)),
    );
    [rotating, fixed, ending] = issuers.map(({ url }) => httpClient(url)) as [Call, Call, Call];
    [idle, busy, short] = await Promise.all([signUp(fixed), signUp(rotating), signUp(ending)]);
  });
  afterAll(() => Promise.all(issuers.map((issuer) => issuer.remove())));
  const refresh = (call: Call, token: string) => call('POST', '/auth/refresh', { body: { refresh_token: token } });

  it('counts from login without rotation, from the last use with it', async () => {
    await wait(3000);
    const early = await Promise.all([
      refresh(fixed, idle.refresh),
      refresh(rotating, busy.refresh),
      refresh(ending, short.refresh),
    ]);
    expect(early.map(({ status }) => status)).toEqual([200, 200, 200]);
    await wait(2300);
    expectProblem(await refresh(fixed, idle.refresh), 'refresh_expired', 'Refresh token expired');
    expectProblem(await refresh(ending, short.refresh), 'refresh_expired', 'Refresh token expired');
    expect((await refresh(rotating, tokensOf(early[1]).refresh)).status).toBe(200);
    for (const path of ['/auth/verify', '/auth/me', '/auth/sessions']) {
      expectProblem(await fixed('GET', path, { bearer: idle.access }), 'token_expired', 'Invalid or expired token');
    }
    // A dead token still logs out, and nobody is told.
    expect((await fixed('POST', '/auth/logout', { body: { refresh_token: idle.refresh } })).status).toBe(200);
  });
});
