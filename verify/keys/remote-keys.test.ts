import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createAccessTokenVerifier, type RemoteKeySource, remoteJwks, remotePem } from '../index.ts';
import { issuerOf, mint, nowSeconds, type Rig, rigs, rsaPem } from '../testing/rig.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

const serve = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
};

const jwksOf = (...from: Rig[]): object => ({
  keys: from.map(({ key, kid, alg }) => ({ ...key.export({ format: 'jwk' }), kid, alg })),
});

/** An issuer that publishes whatever `body` is, and counts. */
const issuer = async (): Promise<{
  url: string;
  calls: number;
  body: object;
  status: number;
  type: string;
  clock: { seconds: number; nowMs(): number };
}> => {
  const clock = { seconds: nowSeconds, nowMs: () => clock.seconds * 1000 };
  const state = { url: '', calls: 0, body: jwksOf(rigs.ES256), status: 200, type: 'application/json', clock };
  state.url = await serve((_request, response) => {
    state.calls += 1;
    response.writeHead(state.status, { 'content-type': state.type }).end(JSON.stringify(state.body));
  });
  return state;
};

const verifierWith = (keys: RemoteKeySource, clock: { nowMs(): number }) =>
  createAccessTokenVerifier({ issuers: [{ ...issuerOf(rigs.ES256), algorithms: ['ES256', 'EdDSA'], keys }], clock });

describe('remote keys', () => {
  it('are fetched when first needed, once for all who wait, then verify synchronously', async () => {
    const state = await issuer();
    const verifier = verifierWith(remoteJwks({ url: state.url, clock: state.clock }), state.clock);
    const tokens = Array.from({ length: 20 }, (_, index) => mint(rigs.ES256, { jti: `j${index}` }));
    const results = await Promise.all(tokens.map(async (token) => verifier.verify(token)));
    expect(results.every(({ ok }) => ok)).toBe(true);
    expect(state.calls).toBe(1);
    expect(verifier.verify(mint(rigs.ES256, { jti: 'new' }))).toMatchObject({ ok: true });
  });

  it('are fetched for an unknown kid at most once in the cooldown', async () => {
    const state = await issuer();
    const verifier = verifierWith(remoteJwks({ url: state.url, clock: state.clock }), state.clock);
    await verifier.verify(mint(rigs.ES256));
    for (let count = 0; count < 50; count += 1) {
      expect(await verifier.verify(mint(rigs.ES256, {}, { kid: `k${count}` }))).toMatchObject({
        reason: 'key_unknown',
      });
    }
    expect(state.calls).toBe(1);
    state.body = jwksOf(rigs.EdDSA, rigs.ES256);
    state.clock.seconds += 30;
    expect(await verifier.verify(mint(rigs.EdDSA))).toMatchObject({ ok: true });
    expect(state.calls).toBe(2);
  });

  it('are fetched at once where somebody trusted says that they have changed, and for a while once a second', async () => {
    const state = await issuer();
    const keys = remoteJwks({ url: state.url, clock: state.clock });
    const verifier = verifierWith(keys, state.clock);
    await verifier.verify(mint(rigs.ES256));
    state.clock.seconds += 2;
    keys.hurry();
    expect(await verifier.verify(mint(rigs.EdDSA)), 'not published yet').toMatchObject({ reason: 'key_unknown' });
    state.body = jwksOf(rigs.EdDSA);
    expect(await verifier.verify(mint(rigs.EdDSA))).toMatchObject({ reason: 'key_unknown' });
    expect(state.calls).toBe(2);
    state.clock.seconds += 1;
    expect(await verifier.verify(mint(rigs.EdDSA))).toMatchObject({ ok: true });
    state.clock.seconds += 10;
    expect(await verifier.verify(mint(rigs.EdDSA, {}, { kid: 'none' }))).toMatchObject({ reason: 'key_unknown' });
    expect(state.calls).toBe(3);
  });

  it('are replaced as a whole: a removed key verifies nothing, cached tokens included', async () => {
    const state = await issuer();
    const keys = remoteJwks({ url: state.url, clock: state.clock });
    const verifier = verifierWith(keys, state.clock);
    const token = mint(rigs.ES256, { exp: nowSeconds + 9000 });
    expect(await verifier.verify(token)).toMatchObject({ ok: true });
    const { generation } = keys.current(state.clock.nowMs());
    state.body = jwksOf(rigs.EdDSA);
    state.clock.seconds += 300;
    expect(await verifier.verify(token), 'starts the refresh').toMatchObject({ ok: true });
    await keys.refetch(state.clock.nowMs());
    expect(await verifier.verify(token)).toMatchObject({ ok: false, reason: 'key_unknown' });
    expect(keys.current(state.clock.nowMs()).generation).toBe(generation + 1);
  });

  it('are asked for again, and grow stale, when the clock is set back: a removed key does not live until it is there again', async () => {
    const state = await issuer();
    const keys = remoteJwks({ url: state.url, clock: state.clock, staleSeconds: 600 });
    state.clock.seconds += 86_400;
    await keys.load();
    state.clock.seconds -= 86_400;
    state.status = 503;
    expect(keys.current(state.clock.nowMs()).keys).toHaveLength(1);
    await keys.refetch(state.clock.nowMs());
    expect(state.calls).toBe(2);
    state.clock.seconds += 300;
    expect(keys.current(state.clock.nowMs()).keys).toHaveLength(0);
  });

  it('keep their objects and generation while the issuer publishes the same', async () => {
    const state = await issuer();
    const keys = remoteJwks({ url: state.url, clock: state.clock });
    await keys.load();
    const before = keys.current(state.clock.nowMs());
    state.clock.seconds += 30;
    await keys.refetch(state.clock.nowMs());
    expect(state.calls).toBe(2);
    expect(keys.current(state.clock.nowMs())).toBe(before);
  });

  it.each([
    ['500', { status: 500 }],
    ['404', { status: 404 }],
    ['204', { status: 204 }],
    ['HTML', { type: 'text/html' }],
    ['no key', { body: { keys: [] } }],
    ['a private key', { body: { keys: [{ kty: 'EC', d: 'x' }] } }],
    ['a symmetric key', { body: { keys: [{ kty: 'oct', k: 'x' }] } }],
    ['no JWK Set', { body: { error: 'x' } }],
    ['too much', { body: { ...jwksOf(rigs.ES256), x: 'x'.repeat(70_000) } }],
  ])('stay when the issuer answers %s, until they are stale', async (_name, failure) => {
    const state = await issuer();
    const keys = remoteJwks({ url: state.url, clock: state.clock, staleSeconds: 600 });
    await keys.load();
    const verifier = verifierWith(keys, state.clock);
    Object.assign(state, failure);
    const token = mint(rigs.ES256, { exp: nowSeconds + 9000 });
    state.clock.seconds += 599;
    await keys.refetch(state.clock.nowMs());
    expect(keys.stats().failures).toBe(1);
    expect(await verifier.verify(token)).toMatchObject({ ok: true });
    state.clock.seconds += 1;
    expect(await verifier.verify(token)).toMatchObject({ ok: false, code: 'not_ready', reason: 'keys_unavailable' });
  });

  it('come back by themselves once the issuer answers again', async () => {
    const state = await issuer();
    state.status = 503;
    const verifier = verifierWith(remoteJwks({ url: state.url, clock: state.clock }), state.clock);
    expect(await verifier.verify(mint(rigs.ES256))).toMatchObject({ code: 'not_ready' });
    state.status = 200;
    expect(await verifier.verify(mint(rigs.ES256)), 'within a second').toMatchObject({ code: 'not_ready' });
    state.clock.seconds += 1;
    expect(await verifier.verify(mint(rigs.ES256))).toMatchObject({ ok: true });
  });

  it('follow no redirect and wait no longer than they are told', async () => {
    const good = await issuer();
    const redirecting = await serve((_request, response) => response.writeHead(302, { location: good.url }).end());
    await expect(remoteJwks({ url: redirecting, retries: 0 }).load()).rejects.toThrow('no usable keys');
    expect(good.calls).toBe(0);
    const silent = await serve((request) => request.resume());
    await expect(remoteJwks({ url: silent, retries: 0, timeoutMs: 50 }).load()).rejects.toThrow('no usable keys');
  });

  it('are asked for again at start as often as the settings say', async () => {
    const state = await issuer();
    state.status = 500;
    await expect(remoteJwks({ url: state.url, retries: 1 }).load()).rejects.toThrow('no usable keys');
    expect(state.calls).toBe(2);
  });

  it('come as PEM from /public-key', async () => {
    const url = await serve((_request, response) =>
      response.writeHead(200, { 'content-type': 'application/x-pem-file' }).end(rsaPem),
    );
    const keys = remotePem({ url, retries: 0 });
    await keys.load();
    expect(keys.current(Date.now()).keys.map(({ kid }) => kid)).toEqual([rigs.RS256.kid]);
    const html = await serve((_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(rsaPem),
    );
    await expect(remotePem({ url: html, retries: 0 }).load()).rejects.toThrow('no usable keys');
  });

  it('refuse other addresses and misspelt options', () => {
    expect(() => remoteJwks({ url: 'file:///etc/passwd' })).toThrow('http');
    expect(() => remoteJwks({ url: 'http://x/', cooldown: 3 } as never)).toThrow('unknown option "cooldown"');
    expect(() => remotePem({ url: 'http://x/', timeoutMs: Number.NaN })).toThrow('timeoutMs');
  });
});
