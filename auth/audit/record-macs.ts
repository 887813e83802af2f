/**
 * What shows that a record was written by an issuer: a MAC under a key from the root key. Whoever can write to the table can add a row, and not
 * one that anybody takes for an act. What is personal is left out: an erasure takes it, and the chain commits to it.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { NamedKey } from '@sallyport/kit/config';
import type { AuditRecord } from '@sallyport/storage/contracts/audit';
import { actOf } from './chain.ts';

const label = 'sallyport/audit/1/record';

export interface RecordMacs {
  /** Under the current root key. */
  stamp(record: AuditRecord): AuditRecord;
  /** `none`: it has none, as those of before there were any. `unknown_key`: of a root key that is not held here. */
  check(record: AuditRecord): 'good' | 'forged' | 'none' | 'unknown_key';
}

/** TEXT in MySQL holds 65,535 bytes, and what a store would cut would not be what was stamped. */
const longestDetails = 60_000;

/** @throws TypeError without a root key */
export const createRecordMacs = (roots: readonly NamedKey[]): RecordMacs => {
  const [current] = roots;
  if (current === undefined) throw new TypeError('records need a root key');
  const keys = new Map(roots.map(({ kid, key }) => [kid, Buffer.from(hkdfSync('sha256', key, '', label, 32))]));
  const macOf = (key: Buffer, record: AuditRecord): Buffer =>
    createHmac('sha256', key)
      .update(JSON.stringify([label, ...actOf(record), record.origin?.node ?? null, record.origin?.boot ?? null]))
      .digest()
      .subarray(0, 16);
  const own = keys.get(current.kid) ?? Buffer.alloc(0);
  return {
    stamp: (record) => {
      const bytes = Buffer.byteLength(record.details);
      const fits = bytes <= longestDetails ? record : { ...record, details: JSON.stringify({ cut: true, bytes }) };
      return { ...fits, mac: `${current.kid}.${macOf(own, fits).toString('base64url')}` };
    },
    check: (record) => {
      const [, kid = '', given = ''] = /^(\d{1,5})\.([A-Za-z0-9_-]{22})$/.exec(record.mac ?? '') ?? [];
      if (record.mac === undefined) return 'none';
      const key = keys.get(kid);
      if (key === undefined) return kid === '' ? 'forged' : 'unknown_key';
      return timingSafeEqual(macOf(key, record), Buffer.from(given, 'base64url')) ? 'good' : 'forged';
    },
  };
};
