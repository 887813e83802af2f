import { generateKeyPairSync } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createAccessTokenVerifier, type RemoteKeySource, type RemoteKeysOptions, remoteJwks } from '../index.ts';
import { issuerOf, mint, nowSeconds, type Rig, rigs } from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const servers: Server[] = [];
const timers: NodeJS.Timeout[] = [];
afterEach(() => {
  for (const timer of timers.splice(0)) clearInterval(timer);
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

const jwk = ({ key, kid, alg }: Rig) => ({ ...key.export({ format: 'jwk' }), kid, alg });
const goodSet = JSON.stringify({ keys: [jwk(rigs.ES256)] });
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });

/** An issuer that can change its mind about how it answers. */
const hostile = async () => {
  const clock = { seconds: nowSeconds, nowMs: () => clock.seconds * 1000 };
  const state = { url: '', calls: 0, clock, answer: answering(goodSet) };
  const server = createServer((req, res) => {
    state.calls += 1;
    state.answer(req, res);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  return state;
};

const answering =
  (body: string, type = 'application/json'): RequestListener =>
  (_req, res) =>
    void res.writeHead(200, { 'content-type': type }).end(body);

/** Bytes for ever, a few at a time: white space, which JSON allows. */
const dripping: RequestListener = (_req, res) => {
  res.writeHead(200, { 'content-type': 'application/json' });
  timers.push(setInterval(() => res.write(' '), 10));
};
const endless: RequestListener = (_req, res) => {
  res.writeHead(200, { 'content-type': 'application/json' });
  const more = (): void => {
    while (!res.destroyed && res.write(' '.repeat(16_384)));
  };
  res.on('drain', more);
  more();
};

const opened = (state: { url: string; clock: { nowMs(): number } }, options: Partial<RemoteKeysOptions> = {}) => {
  const keys = remoteJwks({ url: state.url, clock: state.clock, timeoutMs: 200, retries: 0, ...options });
  const verifier = createAccessTokenVerifier({
    issuers: [{ ...issuerOf(rigs.ES256), algorithms: ['ES256', 'EdDSA'], keys }],
    clock: state.clock,
  });
  return { keys, verifier };
};
const unknown = (count: number): string => mint(rigs.ES256, { jti: `j${count}` }, { kid: `k${count}` });
const long = { exp: nowSeconds + 9000 };

describe('a key set', () => {
  it.each<[string, RequestListener]>([
    ['that drips for ever', dripping],
    ['without end', endless],
    ['behind a redirect to itself', (req, res) => void res.writeHead(302, { location: req.url ?? '/' }).end()],
    ['that is a login page', answering('<html></html>', 'text/html')],
    ['as text/html, however good', answering(goodSet, 'text/html')],
    ['with a weak key beside a good one', answering(JSON.stringify({ keys: [jwk(rigs.ES256), weak] }))],
    [
      'with one kid twice',
      answering(JSON.stringify({ keys: [jwk(rigs.ES256), { ...jwk(rigs.EdDSA), kid: rigs.ES256.kid }] })),
    ],
    ['with a private member', answering(JSON.stringify({ keys: [{ ...jwk(rigs.ES256), d: 'AA' }] }))],
    ['with a secret', answering(JSON.stringify({ keys: [jwk(rigs.ES256), { kty: 'oct', k: 'AAAA' }] }))],
    [
      'of a thousand keys',
      answering(
        JSON.stringify({ keys: Array.from({ length: 1000 }, (_, n) => ({ ...jwk(rigs.ES256), kid: `k${n}` })) }),
      ),
    ],
    [
      'that is cut off',
      (_req, res) =>
        void res
          .writeHead(200, { 'content-type': 'application/json', 'content-length': 5000 })
          .write('{"keys":', () => res.destroy()),
    ],
  ])('%s is not taken: at the start nobody is let in, later the keys that are held stay', async (_name, answer) => {
    const state = await hostile();
    state.answer = answer;
    const fresh = opened(state);
    expect(await fresh.verifier.verify(mint(rigs.ES256))).toMatchObject({ ok: false, code: 'not_ready' });

    state.answer = answering(goodSet);
    const { keys, verifier } = opened(state);
    await keys.load();
    state.answer = answer;
    state.clock.seconds += 300;
    const started = performance.now();
    expect(verifier.verify(mint(rigs.ES256, long)), 'answered from memory').toMatchObject({ ok: true });
    await keys.refetch(state.clock.nowMs());
    expect(performance.now() - started).toBeLessThan(1500);
    expect(keys.stats()).toMatchObject({ fetches: 2, failures: 1 });
    expect(verifier.verify(mint(rigs.ES256, long))).toMatchObject({ ok: true });
  });

  it('without a key refuses what that key has signed, once it has been fetched', async () => {
    const state = await hostile();
    const { keys, verifier } = opened(state);
    await keys.load();
    const cached = mint(rigs.ES256, long);
    expect(verifier.verify(cached)).toMatchObject({ ok: true });
    state.answer = answering(JSON.stringify({ keys: [jwk(rigs.EdDSA)] }));
    state.clock.seconds += 300;
    void verifier.verify(cached);
    await keys.refetch(state.clock.nowMs());
    for (const token of [cached, mint(rigs.ES256, { ...long, jti: 'new' })]) {
      expect(await verifier.verify(token)).toMatchObject({ ok: false, reason: 'key_unknown' });
    }
  });
});

const flood = async ({ clock }: { clock: { seconds: number } }, verify: (token: string) => unknown): Promise<void> => {
  await Promise.all(Array.from({ length: 1000 }, (_, count) => verify(unknown(count))));
  clock.seconds += 29;
  for (let count = 1000; count < 2000; count += 1) await verify(unknown(count));
};

describe('two thousand unknown kids', () => {
  it('bring one fetch in the cooldown, and known ones are verified meanwhile without waiting', async () => {
    const state = await hostile();
    const { keys, verifier } = opened(state);
    await keys.load();
    state.clock.seconds += 30;
    state.answer = dripping;
    const flooding = flood(state, (token) => verifier.verify(token));
    expect(verifier.verify(mint(rigs.ES256))).toMatchObject({ ok: true });
    await flooding;
    expect(state.calls).toBe(2);
  });

  it('is known to be able to fail: without the cooldown each brings a fetch', async () => {
    const change = {
      file: 'keys/remote-keys.ts',
      find: 'now - triedAtMs >= pauseMs || now < triedAtMs',
      replace: 'now >= 0 || pauseMs < 0',
    };
    await withSabotage([change], async (broken) => {
      const state = await hostile();
      const keys: RemoteKeySource = broken.remoteJwks({ url: state.url, clock: state.clock });
      const issuers = [{ ...issuerOf(rigs.ES256), keys }];
      const verifier = broken.createAccessTokenVerifier({ issuers, clock: state.clock });
      await keys.load();
      for (let count = 0; count < 20; count += 1) await verifier.verify(unknown(count));
      expect(state.calls).toBe(21);
    });
  });
});
