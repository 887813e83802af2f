/**
 * The exchange of a device key, docs/guides/device-exchange.md (contracts/device-chat.md): both sides derive it from an agreement over
 * everything that was said, and show each other that they hold it. Pure but for the key that is drawn.
 */
import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { DeviceCurve } from '@sallyport/storage/contracts/devices';
import { agree, type KeyRefusal } from './shared-secret.ts';

const label = 'sallyport/device/1';
const keyBytes = 32;

export interface ExchangeInput {
  readonly curve: DeviceCurve;
  readonly clientPublicKey: Uint8Array;
  readonly deviceId: string;
  /** As it was sent. */
  readonly username: string;
  /** The second key that was shown, and what it was registered for. */
  readonly proof?: { readonly thumbprint: string; readonly refresh: 'required' | 'optional' };
  /** For published vectors alone. */
  readonly serverPrivateKey?: Uint8Array;
}

export interface Exchanged {
  readonly serverPublicKey: Buffer;
  /** 32 bytes. */
  readonly deviceKey: Buffer;
  /** SHA-256 over everything that was said: what the issuer signs, and what the client's answer is about. */
  readonly transcriptHash: Buffer;
  readonly serverMac: Buffer;
}

export const exchangeDeviceKey = (input: ExchangeInput): Exchanged | KeyRefusal => {
  const agreed = agree(input.curve, input.clientPublicKey, input.serverPrivateKey);
  if (typeof agreed === 'string') return agreed;
  const transcriptHash = createHash('sha256')
    .update(
      transcript([
        ...[label, input.curve, input.clientPublicKey, agreed.publicKey, input.deviceId, input.username],
        // Said on both sides or on none: who takes the second key out of a registration, or puts another in, is found out by the MACs.
        ...(input.proof === undefined ? [] : [input.proof.thumbprint, input.proof.refresh]),
      ]),
    )
    .digest();
  const deviceKey = Buffer.from(hkdfSync('sha256', agreed.secret, transcriptHash, label, keyBytes));
  return {
    serverPublicKey: agreed.publicKey,
    deviceKey,
    transcriptHash,
    serverMac: mac(deviceKey, 'server', transcriptHash),
  };
};

/** Each part after its length, 4 bytes big-endian: no two lists of parts have one transcript. */
const transcript = (parts: readonly (string | Uint8Array)[]): Buffer =>
  Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part as string);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );

const mac = (deviceKey: Uint8Array, side: 'server' | 'client', transcriptHash: Uint8Array): Buffer =>
  createHmac('sha256', deviceKey).update(side).update(transcriptHash).digest();

/** Whether whoever sends it holds the key and has heard the same. In constant time. */
export const isClientMac = (sent: Uint8Array, deviceKey: Uint8Array, transcriptHash: Uint8Array): boolean => {
  const expected = mac(deviceKey, 'client', transcriptHash);
  return sent.length === expected.length && timingSafeEqual(sent, expected);
};
