import { verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { isMotoMissing, type KmsServer, startKms } from '../testing/start-signers.ts';
import { openKms } from './kms.ts';

const none = new AbortController().signal;
/** As long as a message may be; for the digests of longer ones moto has no ear. */
const input = Buffer.alloc(4096, 'a');

describe.skipIf(isMotoMissing())('a key of AWS KMS', () => {
  let server: KmsServer;
  beforeAll(async () => {
    server = await startKms();
    for (const [name, value] of Object.entries(server.environment)) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server.stop();
  });

  const open = async (keyId: string) => {
    const signer = await openKms({ keyId, endpoint: server.endpoint, sockets: 4, timeoutMs: 5000 });
    onTestFinished(() => signer.close());
    return signer;
  };

  it.each([
    ['ES256', 'ECC_NIST_P256', {}],
    ['RS256', 'RSA_2048', {}],
    // moto salts with as much as there is room for; KMS with as many bytes as the hash has, which alone an issuer accepts.
    ['PS256', 'RSA_2048', { padding: 6, saltLength: -2 }],
  ] as const)('signs %s as a JWS has it', async (algorithm, spec, how) => {
    const signer = await open(await server.makeKey(spec));
    const { newest } = await signer.look([], none);
    if (newest === undefined) throw new Error('no key');
    const { reference, publicKey: key } = newest;
    for (const fresh of [false, true]) {
      const signature = await signer.sign({ reference, algorithm, input, signal: none, fresh });
      expect(verify('sha256', input, { key, dsaEncoding: 'ieee-p1363', ...how }, signature)).toBe(true);
    }
  });

  it('follows an alias to another key, and says that a disabled one is gone', async () => {
    const first = await server.makeKey('ECC_NIST_P256', 'alias/issuer');
    const second = await server.makeKey('ECC_NIST_P256');
    const signer = await open('alias/issuer');
    expect((await signer.look([], none)).newest?.reference).toBe(first);
    await server.turnAlias('alias/issuer', second);
    const known = [first, second, `${first.slice(0, -8)}00000000`];
    const turned = await signer.look(known, none);
    expect([turned.newest?.reference, [...turned.gone]]).toEqual([second, known.slice(2)]);
    await server.disable(second);
    const disabled = await signer.look(known, none);
    expect([disabled.newest, [...disabled.gone]]).toEqual([undefined, known.slice(1)]);
  });

  it('says what cannot be reached', async () => {
    const signer = await openKms({ keyId: 'alias/a', endpoint: 'http://127.0.0.1:1', sockets: 1, timeoutMs: 2000 });
    await expect(signer.look([], none)).rejects.toMatchObject({ reason: 'connection' });
    signer.close();
  });
});
