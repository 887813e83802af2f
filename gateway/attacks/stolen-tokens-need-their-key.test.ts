/** RFC 9449: a token that is bound to a key is worth nothing without it, and a proof that was overheard is worth nothing twice. */
import { isRedisMissing, startRedis } from '@sallyport/storage/redis/testing';
import { newProofSigner } from '@sallyport/verify/testing/proofs';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  bearer,
  type Headers,
  mint,
  problemOf,
  type Rig,
  seenBy,
  send,
  startGateway,
  startGatewayWithRoutes,
  valuesOf,
  verifierOf,
  type WireAnswer,
} from '../testing/rig.ts';
import { withSabotage } from '../testing/sabotage.ts';

const publicUrl = 'https://api.example.org';
const env = { PUBLIC_URL: publicUrl };
const path = '/api/v1/users/me';
const url = publicUrl + path;
const owner = newProofSigner();
const thief = newProofSigner();
const bound = mint({ cnf: { jkt: owner.thumbprint } });

const asOwner = (proof: string | readonly string[], token = bound): Headers => ({
  authorization: `DPoP ${token}`,
  dpop: proof as string | string[],
});
const prove = (method = 'GET', at = url, token = bound): string => owner.prove(method, at, token);
const codeOf = (answer: WireAnswer): unknown => (answer.status === 200 ? 200 : problemOf(answer)['code']);
const ask = async (rig: Rig, headers: Headers, target = path): Promise<unknown> => {
  const answer = await send(rig, target, { headers });
  // RFC 9449 §7.1: who is refused for his proof is told what is wanted.
  if (String(codeOf(answer)).startsWith('proof_'))
    expect(answer.headers['www-authenticate']).toMatch(/^DPoP realm="sallyport", error="invalid_\w+", algs="ES256"$/);
  return codeOf(answer);
};

describe('a token that is bound to a key', () => {
  it('passes with a proof; the service hears of the key in the assertion, and of the proof nothing', async () => {
    const gateway = await startGateway(env);
    const answer = await send(gateway, `${path}?a=1`, { headers: asOwner(prove()) });
    expect(answer.status).toBe(200);
    const seen = seenBy(answer);
    expect([valuesOf(seen, 'dpop'), valuesOf(seen, 'authorization')]).toEqual([[], []]);
    const [assertion = ''] = valuesOf(seen, 'x-gateway-assertion');
    expect(verifierOf('user-service').verify(assertion, { method: 'GET', target: seen.target })).toMatchObject({
      ok: true,
      identity: { boundKeyThumbprint: owner.thumbprint },
    });
  });

  it('is refused without the key: as a bearer’s, in a cookie, with nothing, and with another key’s proof', async () => {
    const gateway = await startGateway({ ...env, ACCESS_COOKIE_NAME: 'access' });
    const cookie = { cookie: `access=${bound}` };
    expect(await ask(gateway, { authorization: `Bearer ${bound}` })).toBe('proof_required');
    // Seen before, and so known to be good but for this.
    expect(await ask(gateway, asOwner(prove()))).toBe(200);
    expect(await ask(gateway, { authorization: `Bearer ${bound}` })).toBe('proof_required');
    expect(await ask(gateway, { authorization: `bearer ${bound}`, dpop: prove() })).toBe('proof_required');
    expect(await ask(gateway, cookie)).toBe('proof_required');
    expect(await ask(gateway, { ...cookie, dpop: prove() })).toBe('proof_required');
    expect(await ask(gateway, { authorization: `DPoP ${bound}` })).toBe('proof_required');
    expect(await ask(gateway, asOwner(thief.prove('GET', url, bound)))).toBe('proof_invalid');
    expect(await ask(gateway, { ...bearer(), dpop: 'whatever it is' })).toBe(200);
    expect(await ask(gateway, asOwner(prove('GET', url, mint()), mint()))).toBe('proof_invalid');
    expect(gateway.services.seen()).toBe(2);
  });

  it.each([
    ['another method', prove('POST')],
    ['another path', prove('GET', `${publicUrl}/api/v1/users/you`)],
    ['another host', prove('GET', `https://evil.example${path}`)],
    ['the address behind the name', prove('GET', `http://localhost:8080${path}`)],
    ['another token', prove('GET', url, mint({ cnf: { jkt: owner.thumbprint } }))],
    ['no token', owner.prove('GET', url)],
    ['two proofs', [prove(), prove()]],
    ['nonsense', 'a.b.c'],
  ])('is refused with a proof for %s', async (_, proof) => {
    const gateway = await startGateway(env);
    expect(await ask(gateway, asOwner(proof))).toBe('proof_invalid');
    expect(gateway.services.seen()).toBe(0);
  });

  it('is judged like that for a proxy that asks, by the request that it asks about', async () => {
    const gateway = await startGateway({ ...env, FORWARD_AUTH_PROXIES: '127.0.0.1' });
    const original = { 'x-original-method': 'GET', 'x-original-uri': `${path}?a=1` };
    const about = (headers: Headers) => ask(gateway, { ...headers, ...original }, '/forward-auth');
    const proof = prove();
    expect(await about(asOwner(prove('GET', `${publicUrl}/forward-auth`)))).toBe('proof_invalid');
    expect([await about(asOwner(proof)), await about(asOwner(proof))]).toEqual([200, 'proof_replayed']);
  });

  it('goes on with its proof where the route says so, and nowhere else', async () => {
    const route = (at: string, forwardAuthorization: boolean) => ({
      ...{ path: at, service: 'a', access: 'required', csrf: 'never' },
      ...(forwardAuthorization && { forwardAuthorization }),
    });
    const gateway = await startGatewayWithRoutes(
      (service) => ({
        version: 1,
        services: [{ id: 'a', url: service }],
        routes: [route('/on', true), route('/off', false)],
      }),
      env,
    );
    const at = async (target: string) => {
      const proof = prove('GET', publicUrl + target);
      const answer = await send(gateway, target, { headers: asOwner(proof) });
      return [valuesOf(seenBy(answer), 'dpop'), proof];
    };
    const [sent, proof] = await at('/on');
    expect(sent).toEqual([proof]);
    expect((await at('/off'))[0]).toEqual([]);
  });
});

/** How often it got through, and what the others heard. */
const countOf = async (proof: string, gateways: readonly Rig[], times = 12) => {
  const codes = await Promise.all(
    Array.from({ length: times }, (_, turn) => ask(gateways[turn % gateways.length] as Rig, asOwner(proof))),
  );
  return {
    passed: codes.filter((code) => code === 200).length,
    others: [...new Set(codes.filter((code) => code !== 200))],
  };
};
const once = { passed: 1, others: ['proof_replayed'] };

describe('a proof', () => {
  it('serves once, in parallel and in sequence, and not again after a restart', async () => {
    const gateway = await startGateway(env);
    const proof = prove();
    expect(await countOf(proof, [gateway])).toEqual(once);
    expect(await ask(gateway, asOwner(proof))).toBe('proof_replayed');
    await gateway.stop();
    // The next second: what proofs tell is no finer, and no process is started twice in one.
    await expect.poll(() => Math.floor(Date.now() / 1000), { timeout: 5000 }).toBeGreaterThan(iatOf(proof));
    const next = await startGateway(env);
    expect(await ask(next, asOwner(proof))).toBe('proof_replayed');
    expect(await ask(next, asOwner(prove()))).toBe(200);
  });

  it('serves once over the threads of a gateway', async () => {
    const gateway = await startGateway({ ...env, GATEWAY_WORKERS: '2' });
    for (let turn = 0; turn < 3; turn += 1) expect((await countOf(prove(), [gateway], 24)).passed).toBe(1);
  });

  it('serves twice where nobody remembers, so that the tests above can fail', async () => {
    const forgetful = {
      file: 'proof/demand-proof.ts',
      find: 'const use = uses.use(verdict);',
      replace: "const use: ProofUseOutcome = 'first'; uses.use(verdict);",
    };
    await withSabotage(forgetful, async (begin) => {
      const gateway = await startGateway(env, undefined, begin);
      const proof = prove();
      expect([await ask(gateway, asOwner(proof)), await ask(gateway, asOwner(proof))]).toEqual([200, 200]);
    });
  });
});

describe.skipIf(isRedisMissing())('a proof, where gateways have a Redis in common', () => {
  it('serves once over them, and is refused while Redis is away', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const settings = { ...env, REDIS_URL: redis.url };
    const pair = [await startGateway(settings), await startGateway(settings)];
    for (let turn = 0; turn < 3; turn += 1) expect(await countOf(prove(), pair)).toEqual(once);
    await redis.stop();
    await expect.poll(() => ask(pair[0] as Rig, asOwner(prove()))).toBe('store_unavailable');
    expect(await ask(pair[0] as Rig, bearer())).toBe(200);
  });
});

const iatOf = (proof: string): number =>
  (JSON.parse(Buffer.from(proof.split('.')[1] ?? '', 'base64url').toString()) as { readonly iat: number }).iat;
