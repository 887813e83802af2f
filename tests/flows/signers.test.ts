import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { examineIssuer, keyView, openMaintenance } from '@sallyport/auth/maintenance';
import {
  isMotoMissing,
  isOpenBaoMissing,
  type OpenBaoServer,
  startKms,
  startOpenBao,
} from '@sallyport/auth/tokens/testing';
import type { Finding } from '@sallyport/kit/finding';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sabotagedIssuer } from '../prove/sabotaged-issuer.ts';
import { decodeToken } from '../testing/forge.ts';
import { type Call, httpClient } from '../testing/http-client.ts';
import { type Issuer, issuerFolder, refusedIssuer, startIssuer } from '../testing/issuer.ts';
import { readMetric } from '../testing/metrics.ts';
import { login, signUp } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; !(await isSo()); tries += 1) {
    if (tries > 600) throw new Error('not so after a minute');
    await sleep(100);
  }
};
const kidOf = (token: string): string => String(decodeToken(token).header['kid']);
const published = async (call: Call): Promise<readonly string[]> =>
  ((await call('GET', '/.well-known/jwks.json')).body['keys'] as { kid: string }[]).map(({ kid }) => kid);
const keysOf = (findings: readonly Finding[]) =>
  findings
    .filter(({ subject }) => /: (?:vault|keys)$/.test(subject))
    .map(({ subject, found }) => `${subject}: ${found}`);
const verified = (issuer: Issuer, token: string, algorithm: string) =>
  jwtVerify(token, createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer.url)), { algorithms: [algorithm] });
const refreshed = (call: Call, token: string) => call('POST', '/auth/refresh', { body: { refresh_token: token } });

const common = {
  JWT_SECRET: '',
  JWKS_MAX_AGE_SECONDS: '1',
  JWT_SIGNER_LOOK_SECONDS: '1',
  // A machine under load takes its time.
  JWT_SIGNER_TIMEOUT_SECONDS: '10',
  REFRESH_ROTATION: 'on',
};

describe.skipIf(isOpenBaoMissing())('an issuer that signs with OpenBao', { concurrent: true, timeout: 90_000 }, () => {
  let bao: OpenBaoServer;
  beforeAll(async () => {
    bao = await startOpenBao();
  });
  afterAll(() => bao.stop());

  const withKey = async (name: string, server = bao) => {
    await server.call('POST', `transit/keys/${name}`, { type: 'ecdsa-p256' });
    const place = { VAULT_ADDR: server.address, VAULT_CACERT: server.caPath, VAULT_TRANSIT_KEY: name };
    return { ...common, JWT_ALGORITHM: 'ES256', JWT_SIGNER: 'vault', VAULT_TOKEN: server.rootToken, ...place };
  };

  it('publishes another version before it signs with it, lets nobody wait for it, and drops one that is disabled', async () => {
    const settings = await withKey('turning');
    const issuer = await startIssuer(settings);
    const call = httpClient(issuer.url);
    const ann = await signUp(call);
    const first = kidOf(ann.access);
    await expect(verified(issuer, ann.access, 'ES256')).resolves.toBeTruthy();
    expect(await issuer.folder.database.allBytes()).not.toContain('PRIVATE KEY');

    expect(keysOf(await examineIssuer({ ...issuer.folder.settings, ...settings }))).toEqual([
      `issuer: vault: signs as ${first}`,
      `issuer: keys: ES256, 1 in the ring, ${first} signs`,
    ]);
    await bao.call('POST', 'transit/keys/turning/rotate');
    await until(async () => (await published(call)).length === 2);
    const next = (await published(call)).find((kid) => kid !== first) ?? '';
    expect(kidOf((await login(call, ann.person)).access)).toBe(first);
    await until(async () => kidOf((await login(call, ann.person)).access) === next);
    expect((await call('GET', '/auth/verify', { bearer: ann.access })).status).toBe(200);
    expect(await published(call)).toEqual([next, first]);

    await bao.call('POST', 'transit/keys/turning/config', { min_decryption_version: 2, min_encryption_version: 2 });
    await until(async () => (await published(call)).length === 1);
    expectProblem(await call('GET', '/auth/verify', { bearer: ann.access }), 'token_invalid');
    expect(
      await readMetric(issuer.privateUrl, 'sallyport_auth_signing_duration_seconds_count', '{signer="vault"}'),
    ).toBeGreaterThanOrEqual(3);
    const store = await openMaintenance({ ...issuer.folder.settings, ...settings });
    expect((await store.listKeys()).map(keyView)).toMatchObject([
      { kid: next, state: 'current', held_by: 'vault' },
      { kid: first, state: 'retired', held_by: 'vault' },
    ]);
    // It is turned where it is held.
    expect(await store.rotateKeys()).toBeUndefined();
    await store.close();
    expect(keysOf(await examineIssuer({ ...issuer.folder.settings, ...settings }))).toContain(
      `issuer: vault: ${first} is deleted or disabled there: it is not published`,
    );
    await issuer.remove();
  });

  const brief = { JWT_SIGNER_TIMEOUT_SECONDS: '2', REFRESH_OVERLAP_SECONDS: '2' };

  /** Two people at an issuer whose signer is away for longer than the overlap: what they are told, and what has become of them. */
  const outage = async (entry?: string) => {
    const away = await startOpenBao();
    const issuer = await startIssuer({ ...(await withKey('away', away)), ...brief }, issuerFolder(), entry);
    try {
      const call = httpClient(issuer.url);
      const [ann, bob] = [await signUp(call), await signUp(call)];
      // Two tabs: one has refreshed, and the other one comes with the token of before.
      const bobs = await refreshed(call, bob.refresh);
      await away.freeze();
      const { email, password } = ann.person;
      const during = await Promise.all([
        refreshed(call, bob.refresh),
        refreshed(call, ann.refresh),
        call('POST', '/auth/login', { body: { email, password } }),
      ]);
      // With the time that those were held: past the overlap.
      await sleep(500);
      const later = await Promise.all([refreshed(call, bob.refresh), refreshed(call, ann.refresh)]);
      const verification = await call('GET', '/auth/verify', { bearer: ann.access });
      const keys = await published(call);
      away.thaw();
      await until(async () => (await login(call, bob.person).catch(() => undefined)) !== undefined);
      const anns = await refreshed(call, ann.refresh);
      const late = await refreshed(call, bob.refresh);
      const sessions = await call('GET', '/auth/sessions', { bearer: ann.access });
      return { away: [...during, ...later], verification, keys, ann, anns, bobs, late, sessions };
    } finally {
      await issuer.remove();
      await away.stop();
    }
  };

  it('spends no refresh token and begins no session while nothing can be signed, and verifies meanwhile', async () => {
    const { away, verification, keys, ann, anns, bobs, late, sessions } = await outage();
    for (const answer of away) {
      expectProblem(answer, 'signer_unavailable');
      expect(answer.headers['retry-after']).toMatch(/^\d+$/);
    }
    expect([verification.status, keys]).toEqual([200, [kidOf(ann.access)]]);
    expect([anns.status, late.status]).toEqual([200, 200]);
    expect(late.body['refresh_token']).toBe(bobs.body['refresh_token']);
    expect(sessions.body['sessions']).toHaveLength(1);
  });

  it('would take who comes back for a thief, were the signature not made first (sabotaged twin)', async () => {
    const { entry, remove } = sabotagedIssuer({
      file: 'refresh/sign-first.ts',
      find: 'signAhead?.isNeeded() === true',
      replace: 'false',
    });
    try {
      const { anns, late } = await outage(pathToFileURL(entry).href);
      expectProblem(anns, 'refresh_reused');
      expectProblem(late, 'refresh_reused');
    } finally {
      remove();
    }
  });

  it('starts while the signer is away once it has a key, and not before', async () => {
    const folder = issuerFolder();
    const settings = await withKey('later');
    const first = await startIssuer(settings, folder);
    const ann = await signUp(httpClient(first.url));
    await first.stop();
    const gone = { ...settings, ...brief, VAULT_ADDR: 'https://127.0.0.1:1' };
    const second = await startIssuer(gone, folder);
    const call = httpClient(second.url);
    expect((await call('GET', '/auth/verify', { bearer: ann.access })).status).toBe(200);
    expectProblem(await refreshed(call, ann.refresh), 'signer_unavailable');
    await second.stop();
    const { SALLYPORT_DATA_DIR: _, ...secrets } = issuerFolder().settings;
    const refusal = await refusedIssuer({ ...secrets, ...gone });
    expect(refusal.output).toContain('JWT_SIGNER (vault)');
    const findings = await examineIssuer({ ...folder.settings, ...gone });
    const fault = findings.find(({ subject }) => subject === 'issuer: vault');
    expect([fault?.verdict, fault?.found, fault?.mend]).toEqual([
      'fault',
      expect.stringMatching(/ECONNREFUSED/),
      expect.any(String),
    ]);
  });

  it('goes over from the ring of the store and back without a token that is refused', async () => {
    const folder = issuerFolder();
    const signer = await withKey('over');
    const { VAULT_ADDR, VAULT_CACERT, VAULT_TRANSIT_KEY, VAULT_TOKEN, JWT_SIGNER, ...local } = signer;
    const tokens: string[] = [];
    let people: Awaited<ReturnType<typeof signUp>> | undefined;
    for (const settings of [local, signer, local]) {
      const issuer = await startIssuer(settings, folder);
      const call = httpClient(issuer.url);
      people ??= await signUp(call);
      const { person } = people;
      const before = tokens.at(-1);
      if (before === undefined) tokens.push(people.access);
      else
        await until(async () => {
          const { access } = await login(call, person);
          if (kidOf(access) === kidOf(before)) return false;
          tokens.push(access);
          return true;
        });
      for (const token of tokens) expect((await call('GET', '/auth/verify', { bearer: token })).status).toBe(200);
      await issuer.stop();
    }
    expect(new Set(tokens.map(kidOf)).size).toBe(3);
  });
});

describe.skipIf(isMotoMissing())('an issuer that signs with AWS KMS', { concurrent: true, timeout: 90_000 }, () => {
  it('signs with the key of an alias', async () => {
    const kms = await startKms();
    await kms.makeKey('RSA_2048', 'alias/issuer');
    const place = { KMS_KEY_ID: 'alias/issuer', KMS_ENDPOINT_URL: kms.endpoint, ...kms.environment };
    const issuer = await startIssuer({ ...common, JWT_ALGORITHM: 'RS256', JWT_SIGNER: 'kms', ...place });
    const { access } = await signUp(httpClient(issuer.url));
    await expect(verified(issuer, access, 'RS256')).resolves.toBeTruthy();
    await issuer.remove();
    await kms.stop();
  });
});
