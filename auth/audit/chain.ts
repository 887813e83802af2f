/**
 * What is hashed of an audit record, and how one record leads to the next. What is personal enters as a commitment with a salt: erased,
 * it is gone, and the chain still holds.
 */
import { createHash } from 'node:crypto';
import type { Random } from '@sallyport/kit/random';
import type { AuditRecord, ChainHead, SealedRecord } from '@sallyport/storage/contracts/audit';

/** Names the form of what is hashed; another form is another label. */
const label = 'sallyport/audit/1';
const saltBytes = 16;

export const emptyHash = '0'.repeat(64);

/** Gives the records places behind `head`, in the order given. */
export const sealRecords = (
  head: ChainHead,
  records: readonly AuditRecord[],
  random: Pick<Random, 'bytes'>,
): readonly SealedRecord[] => {
  let { place, hash } = head;
  return records.map((record) => {
    const personSalt = random.bytes(saltBytes).toString('hex');
    const personHash = personHashOf(record, personSalt);
    place += 1;
    hash = hashOf(hash, place, personHash, record);
    return { ...record, seal: { place, hash, personHash, personSalt } };
  });
};

export type SealProblem =
  /** What stands there is not what was sealed. */
  | 'changed'
  /** The personal part is gone: right where its person has been erased. */
  | 'erased';

/** Holds a record against the one before it. */
export const checkSeal = (previousHash: string, { seal, ...record }: SealedRecord): SealProblem | undefined => {
  if (hashOf(previousHash, seal.place, seal.personHash, record) !== seal.hash) return 'changed';
  if (seal.personSalt !== undefined)
    return personHashOf(record, seal.personSalt) === seal.personHash ? undefined : 'changed';
  return hasPerson(record) ? 'changed' : 'erased';
};

const hashOf = (previousHash: string, place: number, personHash: string, record: AuditRecord): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        label,
        previousHash,
        place,
        personHash,
        ...actOf(record),
        record.origin?.node ?? null,
        record.origin?.boot ?? null,
        record.origin?.number ?? null,
        record.mac ?? null,
      ]),
    )
    .digest('hex');

/** What was done, without what is personal, and without where it was written down. */
export const actOf = (record: AuditRecord): readonly unknown[] => [
  record.effectId,
  record.realmId,
  record.eventType,
  record.actor,
  record.userId ?? null,
  record.sessionId ?? null,
  record.deviceId ?? null,
  record.requestId,
  inOneSpelling(splitDetails(record.details).rest),
  record.atMs,
];

/** An address alone has so few values that a bare hash of it would tell it. */
const personHashOf = (record: AuditRecord, salt: string): string => {
  const { email, name } = splitDetails(record.details);
  const personal = [salt, record.address ?? null, record.userAgent ?? null, email ?? null, name ?? null];
  return createHash('sha256').update(JSON.stringify(personal)).digest('hex');
};

const hasPerson = (record: AuditRecord): boolean => {
  const { email, name } = splitDetails(record.details);
  return [record.address, record.userAgent, email, name].some((value) => value !== undefined);
};

interface Details {
  readonly email?: unknown;
  readonly name?: unknown;
  readonly rest: unknown;
}

const splitDetails = (text: string): Details => {
  const parsed = parse(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return { rest: parsed };
  const { email, name, ...rest } = parsed as Readonly<Record<string, unknown>>;
  return { email, name, rest };
};

/** Text that is no JSON has been put there by somebody else: it is hashed as it stands, and does not hold. */
const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** Databases with a type for JSON order members as they like. */
const inOneSpelling = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(inOneSpelling);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([member, inner]) => [member, inOneSpelling(inner)]);
};
