import { createECDH, createHash, createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DeviceCurve } from '@sallyport/storage/contracts/devices';
import { createProofChecker } from '@sallyport/verify';
import { describe, expect, it } from 'vitest';
import { exchangeDeviceKey, isClientMac } from './exchange.ts';
import { agree } from './shared-secret.ts';

const root = join(import.meta.dirname, '..', '..');
const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');
const text = (value: Uint8Array): string => Buffer.from(value).toString('base64url');

interface Vector {
  readonly curve: DeviceCurve;
  readonly username: string;
  readonly device_id: string;
  readonly client_private_key: string;
  readonly client_public_key: string;
  readonly server_private_key: string;
  readonly server_public_key: string;
  readonly shared_secret: string;
  readonly transcript_hash: string;
  readonly device_key: string;
  readonly server_mac: string;
  readonly client_mac: string;
  readonly login: Readonly<Record<'timestamp' | 'nonce' | 'session_id' | 'device_signature', string>>;
}

const published = JSON.parse(readFileSync(join(root, 'docs/vectors/device-exchange.json'), 'utf8')) as {
  readonly vectors: readonly Vector[];
};

describe.each(published.vectors)('the published exchange over $curve', (vector) => {
  const agreed = () => {
    const { curve, username, device_id: deviceId } = vector;
    const clientPublicKey = bytes(vector.client_public_key);
    const serverPrivateKey = bytes(vector.server_private_key);
    const exchanged = exchangeDeviceKey({ curve, username, deviceId, clientPublicKey, serverPrivateKey });
    if (typeof exchanged === 'string') throw new Error(exchanged);
    return exchanged;
  };

  it('gives the published values, and the client comes to the same secret', () => {
    const { serverPublicKey, transcriptHash, deviceKey, serverMac } = agreed();
    expect({
      server_public_key: text(serverPublicKey),
      transcript_hash: text(transcriptHash),
      device_key: text(deviceKey),
      server_mac: text(serverMac),
    }).toEqual({
      server_public_key: vector.server_public_key,
      transcript_hash: vector.transcript_hash,
      device_key: vector.device_key,
      server_mac: vector.server_mac,
    });
    const theirs = agree(vector.curve, serverPublicKey, bytes(vector.client_private_key));
    expect(theirs).toMatchObject({ publicKey: bytes(vector.client_public_key), secret: bytes(vector.shared_secret) });
  });

  it('takes the published answer of the client and no other', () => {
    const { deviceKey, transcriptHash } = agreed();
    const right = bytes(vector.client_mac);
    expect(isClientMac(right, deviceKey, transcriptHash)).toBe(true);
    const wrong = Buffer.from(right);
    wrong.writeUInt8((wrong.at(-1) ?? 0) ^ 1, wrong.length - 1);
    const others = [wrong, right.subarray(1), Buffer.alloc(0), bytes(vector.server_mac)];
    expect(others.map((sent) => isClientMac(sent, deviceKey, transcriptHash))).toEqual(others.map(() => false));
  });

  it('has the login that the contract describes', () => {
    const { timestamp, nonce, session_id, device_signature } = vector.login;
    const hex = (message: string): string =>
      createHmac('sha256', bytes(vector.device_key)).update(message).digest('hex');
    expect(session_id).toBe(hex(`${vector.device_id}:${timestamp}:${nonce}`));
    expect(device_signature).toBe(hex(`login:${vector.username}:${timestamp}:${nonce}`));
  });
});

const withProof = JSON.parse(readFileSync(join(root, 'docs/vectors/device-proof.json'), 'utf8')) as {
  readonly proof_key_thumbprint: string;
  readonly exchange: Omit<Vector, 'login'> & { readonly refresh_proof: 'required' | 'optional' };
  readonly proofs: readonly {
    readonly proof: string;
    readonly access_token?: string;
    readonly claims: Readonly<Record<'htm' | 'htu', string>> & { readonly iat: number };
  }[];
};

describe('the published device with a second key', () => {
  it('has a transcript that holds the key, and what it is for', () => {
    const { exchange: vector, proof_key_thumbprint: thumbprint } = withProof;
    const { curve, username, device_id: deviceId } = vector;
    const exchanged = exchangeDeviceKey({
      ...{ curve, username, deviceId, clientPublicKey: bytes(vector.client_public_key) },
      serverPrivateKey: bytes(vector.server_private_key),
      proof: { thumbprint, refresh: vector.refresh_proof },
    });
    if (typeof exchanged === 'string') throw new Error(exchanged);
    const { transcriptHash, deviceKey, serverMac } = exchanged;
    expect([transcriptHash, deviceKey, serverMac].map(text)).toEqual([
      ...[vector.transcript_hash, vector.device_key, vector.server_mac],
    ]);
    expect(isClientMac(bytes(vector.client_mac), deviceKey, transcriptHash)).toBe(true);
  });

  it('has proofs that pass at their time, for their request', () => {
    for (const { proof, access_token: accessToken, claims } of withProof.proofs) {
      const check = createProofChecker({ clock: { nowMs: () => claims.iat * 1000 } });
      expect(check(proof, { method: claims.htm, uri: claims.htu, accessToken })).toMatchObject({
        ok: true,
        thumbprint: withProof.proof_key_thumbprint,
      });
    }
  });
});

describe('the exchange', () => {
  it('is bound to everything that was said: another name, device or curve makes another key', () => {
    const clientPublicKey = bytes(published.vectors[0]?.client_public_key ?? '');
    const serverPrivateKey = createHash('sha256').update('server').digest();
    const said = { curve: 'X25519', clientPublicKey, serverPrivateKey, deviceId: 'd', username: 'ab' } as const;
    const keys = [said, { ...said, username: 'ac' }, { ...said, deviceId: 'da', username: 'b' }].map((input) => {
      const exchanged = exchangeDeviceKey(input);
      return typeof exchanged === 'string' ? exchanged : text(exchanged.deviceKey);
    });
    expect(new Set(keys).size).toBe(3);
  });

  it('draws a key of its own each time', () => {
    const clientPublicKey = bytes(published.vectors[0]?.client_public_key ?? '');
    const again = () => exchangeDeviceKey({ curve: 'X25519', clientPublicKey, deviceId: 'd', username: 'ab' });
    expect(again()).not.toEqual(again());
  });
});

/** RFC 7748 §6.1 and the list of Bernstein, https://cr.yp.to/ecdh.html#validate: points whose multiples are all zero. */
const lowOrder = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
];

describe('a client key', () => {
  it.each(lowOrder)('of low order is refused: %s', (hex) => {
    expect(agree('X25519', Buffer.from(hex, 'hex'))).toBe('secret');
  });

  const p256 = (): Buffer => {
    const ecdh = createECDH('prime256v1');
    return ecdh.generateKeys();
  };

  it('off the curve, of another curve or another form is refused', () => {
    const right = p256();
    const off = Buffer.from(right);
    off.writeUInt8((off.at(-1) ?? 0) ^ 1, off.length - 1);
    const secp256k1 = createECDH('secp256k1').generateKeys();
    const hybrid = Buffer.from(right);
    hybrid.writeUInt8(0x06 | ((right.at(-1) ?? 0) & 1));
    const beyond = Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 0xff)]);
    const zero = Buffer.concat([Buffer.from([4]), Buffer.alloc(64)]);
    for (const key of [off, secp256k1, hybrid, beyond, zero]) expect(agree('P-256', key)).toBe('point');
    expect(agree('P-256', right)).toMatchObject({ secret: expect.any(Buffer) });
  });

  it.each([
    ['X25519', 0],
    ['X25519', 31],
    ['X25519', 33],
    ['P-256', 33],
    ['P-256', 64],
    ['P-256', 66],
  ] as const)('of %s with %i bytes is refused', (curve, length) => {
    expect(agree(curve, Buffer.alloc(length, 2))).toBe('length');
  });
});

interface Wycheproof {
  readonly testGroups: readonly {
    readonly tests: readonly {
      readonly comment: string;
      readonly flags: readonly string[];
      readonly public: Readonly<Record<string, string>>;
      readonly private: { readonly d: string };
      readonly shared: string;
      readonly result: 'valid' | 'acceptable' | 'invalid';
    }[];
  }[];
}

/** C2SP/wycheproof, where the folder is there. */
const vectors = (name: string): Wycheproof['testGroups'][number]['tests'] => {
  const file = join(root, '..', 'shared', 'vectors', name);
  if (!existsSync(file)) return [];
  return (JSON.parse(readFileSync(file, 'utf8')) as Wycheproof).testGroups.flatMap(({ tests }) => tests);
};

const xdh = vectors('x25519_jwk_test.json');
const ecdh = vectors('ecdh_secp256r1_webcrypto_test.json');

describe.skipIf(xdh.length === 0)('Wycheproof', () => {
  it('X25519: every low-order and malformed key is refused, every other agreement is right', () => {
    for (const { comment, flags, public: key, private: own, shared, result } of xdh) {
      const theirs = key['crv'] === 'X25519' && key['kty'] === 'OKP' ? bytes(key['x'] ?? '') : Buffer.alloc(0);
      const agreed = agree('X25519', theirs, bytes(own.d));
      if (result === 'invalid') expect([comment, typeof agreed]).toEqual([comment, 'string']);
      else if (flags.includes('ZeroSharedSecret')) expect([comment, agreed]).toEqual([comment, 'secret']);
      else
        expect([comment, typeof agreed === 'string' ? agreed : agreed.secret.toString('hex')]).toEqual([
          comment,
          shared,
        ]);
    }
  });

  it('P-256: every key off the curve or of another is refused, every other agreement is right', () => {
    for (const { comment, public: key, private: own, shared, result } of ecdh) {
      const coordinates = [key['x'], key['y']].map((value) => bytes(value ?? ''));
      const theirs = Buffer.concat([Buffer.from([4]), ...coordinates]);
      const agreed = agree('P-256', theirs, bytes(own.d));
      const secret = typeof agreed === 'string' ? agreed : agreed.secret.toString('hex');
      const expected = /^0+$/.test(shared) ? 'secret' : shared;
      if (result === 'valid') expect([comment, secret]).toEqual([comment, expected]);
      else expect([comment, typeof agreed]).toEqual([comment, 'string']);
    }
  });
});
