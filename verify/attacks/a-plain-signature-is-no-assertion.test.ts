import { createHmac, randomBytes } from 'node:crypto';
import type { AssertionClaims } from '@sallyport/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertionKey, createAssertionSigner, createGuard, type GuardOptions, targetHash } from '../index.ts';
import { nowSeconds } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';
import { frameworks, type RunningServer, type Seen, send, startServer } from '../testing/servers.ts';

const secret = 'the shared secret of all the services, long enough';
const key = assertionKey(randomBytes(32), 'payment');
const signer = createAssertionSigner({ kid: 'g1', key });
const target = '/payments?x=1';
const transitionUntil = new Date((nowSeconds + 3600) * 1000).toISOString().replace('.000', '');

let counter = 0;
const assertion = (change: Partial<AssertionClaims> = {}): string => {
  counter += 1;
  const jti = `0192f0c1-2b3c-7d4e-8f50-${counter.toString(16).padStart(12, '0')}`;
  const times = { iat: nowSeconds, exp: nowSeconds + 30 };
  const who = change.anon ? {} : { sub: 'user-1' };
  const request = { cip: '192.0.2.7', mth: 'GET', pth: targetHash(target) };
  return signer.sign({ ver: 1, iss: 'gateway', aud: 'payment', jti, ...times, ...who, ...request, ...change });
};

const signed = (id: string, email: string, by = secret): string =>
  createHmac('sha256', by).update(`${id}:${email}`).digest('hex');
const good = {
  'x-user-id': 'user-1',
  'x-user-email': 'ann@example.com',
  'x-gateway-signature': signed('user-1', 'ann@example.com'),
} as const;

type Headers = Readonly<Record<string, string | readonly string[]>>;
const valuesOf = (headers: Headers) => (name: string) => [headers[name] ?? []].flat();

interface Judge {
  readonly guard: ReturnType<typeof createGuard>;
  readonly refusals: string[];
  readonly warnings: string[];
  readonly clock: { seconds: number; nowMs(): number };
  /** `user-1`, or what was refused. */
  judge(headers: Headers): string;
}

const judgeOf = (options: Partial<GuardOptions>, make: typeof createGuard = createGuard): Judge => {
  const [refusals, warnings]: [string[], string[]] = [[], []];
  const clock = { seconds: nowSeconds, nowMs: () => clock.seconds * 1000 };
  const guard = make({
    service: 'payment',
    clock,
    onRefusal: (code, reason) => refusals.push(`${code} ${reason}`),
    ...(options.mode === undefined || options.mode === 'strict' ? {} : { onWarning: (text) => warnings.push(text) }),
    ...(options.mode === 'plain' ? {} : { keys: [{ kid: 'g1', key }] }),
    ...options,
  });
  const judge = (headers: Headers): string => {
    const decision = guard.check({ method: 'GET', target, values: valuesOf(headers) });
    if (decision instanceof Promise) throw new Error('the guard waits');
    if (!decision.pass) return refusals.at(-1) ?? 'refused and not told';
    return decision.caller?.kind === 'user' ? decision.caller.userId : 'nobody';
  };
  return { guard, refusals, warnings, clock, judge };
};

const transition: Partial<GuardOptions> = { mode: 'transition', plainSecrets: [secret], transitionUntil };

const brokenAssertions: readonly (readonly [name: string, make: () => string | string[]])[] = [
  ['that is empty', () => ''],
  ['that is garbage', () => 'x'],
  ['for another target', () => assertion({ pth: targetHash('/other') })],
  ['for another service', () => assertion({ aud: 'user' })],
  ['that is too old', () => assertion({ iat: nowSeconds - 90, exp: nowSeconds - 60 })],
  ['of nobody', () => assertion({ anon: true })],
  ['sent twice', () => [assertion(), assertion()]],
];

describe('strict, the default', () => {
  it('refuses a good plain signature that comes alone', () => {
    const { judge, guard } = judgeOf({});
    expect(judge(good)).toBe('assertion_missing absent');
    expect(guard.stats()).toEqual({ plainAccepted: 0 });
    expect(judge({ ...good, 'x-gateway-assertion': assertion() })).toBe('user-1');
  });
});

describe('transition', () => {
  it('takes a plain signature where no assertion has come, counts it, and says so at the start', () => {
    let told = 0;
    const { judge, guard, warnings } = judgeOf({ ...transition, onPlain: () => (told += 1) });
    expect(warnings).toEqual([
      expect.stringMatching(/^payment: the plain signature is accepted until .*never expires/),
    ]);
    expect(judge(good)).toBe('user-1');
    expect(judge({ 'x-gateway-assertion': assertion() })).toBe('user-1');
    expect([guard.stats().plainAccepted, told]).toEqual([1, 1]);
  });

  it('refuses a request that has neither', () => {
    const { judge, guard } = judgeOf(transition);
    expect(judge({})).toBe('assertion_missing plain_absent');
    expect(judge({ 'x-user-id': 'user-1', 'x-user-email': 'ann@example.com' })).toBe('assertion_missing plain_absent');
    expect(guard.stats().plainAccepted).toBe(0);
  });

  it.each(brokenAssertions)('refuses an assertion %s, however good the plain signature beside it', (_name, make) => {
    const { judge } = judgeOf(transition);
    expect(judge({ ...good, 'x-gateway-assertion': make() })).toMatch(/^assertion_(?:missing|invalid) (?!plain)/);
  });

  it('ends at its date, then is strict and says so, once', () => {
    const { judge, clock, warnings } = judgeOf(transition);
    clock.seconds = nowSeconds + 3599;
    expect(judge(good)).toBe('user-1');
    clock.seconds += 1;
    expect([judge(good), judge(good)]).toEqual(Array(2).fill('assertion_missing transition_ended'));
    expect(judge({})).toBe('assertion_missing transition_ended');
    expect(warnings).toHaveLength(2);
    expect(warnings[1]).toContain('the transition ended at');
    const { pth } = { pth: targetHash(target) };
    const times = { iat: clock.seconds, exp: clock.seconds + 30 };
    expect(judge({ 'x-gateway-assertion': assertion({ pth, ...times }) })).toBe('user-1');
  });

  it('that has ended does not begin again with a clock that is set back', () => {
    const { judge, clock } = judgeOf(transition);
    clock.seconds = nowSeconds + 3600;
    expect(judge(good)).toBe('assertion_missing transition_ended');
    clock.seconds = nowSeconds;
    expect(judge(good)).toBe('assertion_missing transition_ended');
  });

  it('that ended before the start is strict from the start', () => {
    const { judge, warnings } = judgeOf({ ...transition, transitionUntil: '2027-01-01' });
    expect(judge(good)).toBe('assertion_missing transition_ended');
    expect(warnings).toEqual([expect.stringContaining('the transition ended at 2027-01-01T00:00:00.000Z')]);
  });

  it.each([
    [undefined, 'needs transitionUntil'],
    ['', 'is a date'],
    ['soon', 'is a date'],
    ['2027-02-30', 'is a date'],
    ['2027-13-01', 'is a date'],
    ['2027-01-31T12:00:00+02:00', 'is a date'],
    ['2099-01-01', 'more than 366 days'],
  ])('until %j is no transition', (until, message) => {
    const { transitionUntil: _until, ...rest } = transition;
    expect(() => judgeOf({ ...rest, ...(until !== undefined && { transitionUntil: until }) })).toThrow(message);
  });
});

describe('plain', () => {
  const plain: Partial<GuardOptions> = { mode: 'plain', plainSecrets: [secret] };
  const { judge, guard } = judgeOf(plain);

  it('believes the signature and never its absence', () => {
    expect(judge(good)).toBe('user-1');
    expect(judge({ 'x-gateway-assertion': assertion() })).toBe('assertion_missing plain_absent');
    const { 'x-user-email': _email, ...withoutEmail } = good;
    expect(judge({ ...withoutEmail, 'x-gateway-signature': signed('user-1', '') })).toBe('user-1');
  });

  it.each<[string, Headers, string]>([
    ['another user', { 'x-user-id': 'root' }, 'signature'],
    ['another e-mail', { 'x-user-email': 'root@example.com' }, 'signature'],
    ['no user', { 'x-user-id': [] }, 'incomplete'],
    ['no e-mail where one was signed', { 'x-user-email': [] }, 'signature'],
    ['the colon moved', { 'x-user-id': 'user-1:ann', 'x-user-email': '@example.com' }, 'ambiguous'],
    ['two users', { 'x-user-id': ['user-1', 'root'] }, 'ambiguous'],
    ['two e-mails', { 'x-user-email': ['ann@example.com', 'x'] }, 'ambiguous'],
    ['two signatures', { 'x-gateway-signature': [good['x-gateway-signature'], 'x'] }, 'ambiguous'],
    ['another secret', { 'x-gateway-signature': signed('user-1', 'ann@example.com', 'other'.repeat(8)) }, 'signature'],
    ['an empty signature', { 'x-gateway-signature': '' }, 'malformed'],
    ['a short signature', { 'x-gateway-signature': good['x-gateway-signature'].slice(2) }, 'malformed'],
    ['a second spelling', { 'x-gateway-signature': good['x-gateway-signature'].toUpperCase() }, 'malformed'],
    [
      'an id that ends a header line',
      { 'x-user-id': 'a%0d%0ab', 'x-user-email': [], 'x-gateway-signature': signed('a%0d%0ab', '') },
      'malformed',
    ],
    [
      'an id that cannot be decoded',
      { 'x-user-id': 'a%zz', 'x-user-email': [], 'x-gateway-signature': signed('a%zz', '') },
      'malformed',
    ],
  ])('refuses %s', (_name, change, reason) => {
    expect(judge({ ...good, ...change })).toBe(`assertion_invalid plain_${reason}`);
  });

  it('gives no role and no permission to whoever writes some beside a good signature', () => {
    const headers = { ...good, 'x-roles': 'admin', 'x-permissions': 'all', 'x-user-name': 'root' };
    expect(guard.check({ method: 'GET', target, values: valuesOf(headers) })).toMatchObject({
      caller: { roles: [], permissions: [], sessionId: undefined, name: undefined, email: 'ann@example.com' },
    });
  });

  it('reads an id as the gateway writes it', () => {
    const id = '%C3%BCser';
    expect(judge({ 'x-user-id': id, 'x-gateway-signature': signed(id, '') })).toBe('üser');
  });

  it('takes the secret before this one too, and none that is short', () => {
    const both = judgeOf({ ...plain, plainSecrets: ['the secret that comes next, as long as this', secret] });
    expect(both.judge(good)).toBe('user-1');
    expect(() => judgeOf({ ...plain, plainSecrets: ['x'.repeat(31)] })).toThrow('fewer than 32 bytes');
    expect(() => judgeOf({ ...plain, plainSecrets: [] })).toThrow('No plain secret');
    const { plainSecrets: _secrets, ...rest } = plain;
    expect(() => judgeOf(rest)).toThrow('GATEWAY_SECRET is required');
    expect(judgeOf({ ...rest, env: { GATEWAY_SECRET: secret } }).judge(good)).toBe('user-1');
  });
});

describe('options of another mode', () => {
  it.each<[Partial<GuardOptions>, string]>([
    [{ plainSecrets: [secret] }, '"plainSecrets" has no meaning in mode "strict"'],
    [{ transitionUntil }, '"transitionUntil" has no meaning'],
    [{ mode: 'plain', plainSecrets: [secret], keys: [{ kid: 'g1', key }] }, '"keys" has no meaning in mode "plain"'],
    [{ mode: 'plain', plainSecrets: [secret], public: ['/x'] }, '"public" has no meaning'],
    [{ mode: 'plain', plainSecrets: [secret], transitionUntil }, '"transitionUntil" has no meaning'],
    [{ mode: 'lax' as never }, 'mode is one of strict, transition, plain'],
  ])('%# are refused', (options, message) => {
    expect(() => judgeOf(options)).toThrow(message);
  });
});

describe.each(frameworks)('the %s adapter in transition', (framework) => {
  let server: RunningServer;
  const { guard } = judgeOf(transition);
  beforeAll(async () => {
    server = await startServer(framework, guard);
  });
  afterAll(() => server.stop());

  it('passes on whom the plain signature names, and hides what names him', async () => {
    const answer = await send(server, target, { ...good, 'x-roles': 'admin' });
    const { caller, headers } = JSON.parse(answer.body) as Seen;
    expect(caller).toMatchObject({ kind: 'user', userId: 'user-1', roles: [] });
    expect(headers.filter((name) => /^x.(user|roles|gateway)/.test(name))).toEqual([]);
  });

  it('refuses neither, a broken assertion beside it, and doubled lines', async () => {
    const doubled = { ...good, 'x-user-id': ['user-1', 'user-1'] };
    for (const headers of [
      {},
      { ...good, 'x-gateway-assertion': '' },
      { ...good, 'x-gateway-assertion': 'x' },
      doubled,
    ]) {
      expect((await send(server, target, headers)).status).toBe(401);
    }
  });
});

describe('is known to be able to fail', () => {
  it('where the plain signature also mends a broken assertion', async () => {
    const change = {
      file: 'guard/assertion-guard.ts',
      find: 'request.values(identityHeaders.assertion).length === 0 ?',
      replace: 'request.values(identityHeaders.signature).length === 1 ?',
    };
    await withSabotage([change], (broken) => {
      const { judge } = judgeOf(transition, broken.createGuard);
      expect(judge({ ...good, 'x-gateway-assertion': 'x' })).toBe('user-1');
    });
  });

  it('where the date is not asked', async () => {
    const change = { file: 'guard/mode.ts', find: 'nowMs() < untilMs', replace: 'true' };
    await withSabotage([change], (broken) => {
      const { judge, clock } = judgeOf(transition, broken.createGuard);
      clock.seconds += 7200;
      expect(judge(good)).toBe('user-1');
    });
  });

  it('where an id may hold a colon', async () => {
    const change = { file: 'plain/plain-signature.ts', find: " || id.includes(':')", replace: '' };
    await withSabotage([change], (broken) => {
      const { judge } = judgeOf(transition, broken.createGuard);
      const moved = signed('user-1', 'x:ann@example.com');
      expect(judge({ 'x-user-id': 'user-1:x', 'x-user-email': 'ann@example.com', 'x-gateway-signature': moved })).toBe(
        'user-1:x',
      );
    });
  });
});
