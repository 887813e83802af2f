/**
 * Holds the audit trail against itself and against its signed checkpoints: an edit, a deletion, another order, a tail that was cut off.
 * Reads only. What it can say rests on the checkpoints and their second copy: who has the root key and the database can write another past.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RealmId } from '@sallyport/contract';
import {
  type Audit,
  type AuditCheckpoint,
  type AuditRecord,
  type AuditSpool,
  erasureEventType,
  type SealedRecord,
} from '@sallyport/storage/contracts/audit';
import { checkSeal, emptyHash } from './chain.ts';
import type { CheckpointKeys } from './checkpoints.ts';
import { intentEventType, outcomeEventType } from './intents.ts';
import { createNumberRuns, type NumberRuns } from './number-runs.ts';
import type { RecordMacs } from './record-macs.ts';

export type FindingKind =
  /** A record is not what was sealed, or stands elsewhere than it did. */
  | 'changed'
  /** Records that were sealed are gone. */
  | 'missing'
  /** The end of the chain is gone: head or checkpoints tell of more. */
  | 'tail_missing'
  /** A record was gone before it was sealed: its number is missing. */
  | 'number_missing'
  /** The chain holds, and is not the one that was signed: it was written anew from somewhere before this place. */
  | 'rewritten'
  /** No issuer has written this record. */
  | 'forged'
  | 'checkpoint_forged'
  /** Records are there, and no checkpoint that could be checked. */
  | 'unsigned'
  /** What is personal is gone, and no record of an erasure says why. */
  | 'erased_without_record';

export interface Finding {
  readonly kind: FindingKind;
  /** In the chain; of a range its first. */
  readonly place?: number;
  readonly effectId?: string;
  readonly text: string;
}

export interface OpenIntent {
  readonly effectId: string;
  readonly at: string;
  readonly act: string;
  readonly requestId: string;
  readonly userId?: string;
}

export interface AuditReport {
  readonly passed: boolean;
  /** In the order of places; no more than `maxFindings`. */
  readonly findings: readonly Finding[];
  readonly records: number;
  readonly lastPlace: number;
  /** The chain begins behind this place; what was in front has had its time. 0: it is whole. */
  readonly cutAt: number;
  readonly checkpoints: number;
  /** Of root keys that are not held here. */
  readonly uncheckedCheckpoints: number;
  readonly uncheckedRecords: number;
  /** Sealed records behind the last checkpoint. */
  readonly unsigned: number;
  readonly unsealed: number;
  /** Acts of which nobody knows whether they were done. */
  readonly openIntents: readonly OpenIntent[];
}

export interface VerifyOptions {
  readonly audit: Audit;
  /** Where records wait, where that is another store. */
  readonly spool?: Pick<AuditSpool, 'readUnsealed'>;
  readonly keys: Pick<CheckpointKeys, 'check'>;
  readonly macs: Pick<RecordMacs, 'check'>;
  /** The checkpoints' second copy. */
  readonly copies: readonly AuditCheckpoint[];
  readonly nowMs: number;
  /** How long it waits for a record that may be on its way. Default 1.5 s, four times. */
  readonly lookAgainMs?: number;
}

const pageSize = 1000;
const maxFindings = 100;
const maxUnsealed = 100_000;
/** Younger intents are under way. */
const intentGraceMs = 15_000;
/** Records that were on their way while they were looked for are looked for again. */
const looksAgain = 4;

export const verifyTrail = async (options: VerifyOptions): Promise<AuditReport> => {
  const signed = await readSigned(options);
  const walk = createWalk(signed);
  const head = await options.audit.readChainHead();
  await walkOn(options, walk);
  for (let tries = 0; tries < looksAgain && walk.numbers.missing(1).length > 0; tries += 1) {
    await sleep(options.lookAgainMs ?? 1500);
    await walkOn(options, walk);
  }
  return conclude(options, walk, head.place);
};

interface Signed {
  readonly base: { readonly place: number; readonly hash: string };
  readonly isCut: boolean;
  /** Place -> hash, of checkpoints that are signed by us. */
  readonly hashes: ReadonlyMap<number, string>;
  readonly findings: readonly Finding[];
  readonly unchecked: number;
}

const readSigned = async ({ audit, keys, copies }: VerifyOptions): Promise<Signed> => {
  const findings: Finding[] = [];
  const hashes = new Map<number, string>();
  let unchecked = 0;
  let base: AuditCheckpoint | undefined;
  const take = (checkpoint: AuditCheckpoint, from: string): void => {
    const verdict = keys.check(checkpoint);
    const { place, hash, kind } = checkpoint;
    if (verdict === 'unknown_key') unchecked += 1;
    else if (verdict === 'forged') {
      findings.push({
        kind: 'checkpoint_forged',
        place,
        text: `a checkpoint ${from} at place ${place} is not what was signed`,
      });
    } else if ((hashes.get(place) ?? hash) !== hash) {
      findings.push({ kind: 'rewritten', place, text: `two chains were signed at place ${place}` });
    } else {
      hashes.set(place, hash);
      // The second copy tells of no cut: who removes the beginning cannot show one that was not made.
      if (kind === 'cut' && place > (base?.place ?? 0)) base = checkpoint;
    }
  };
  for (const kind of ['cut', 'head'] as const) {
    for (let afterPlace = 0; ; ) {
      const page = await audit.listCheckpoints({ kind, afterPlace, limit: pageSize });
      for (const checkpoint of page) take(checkpoint, 'in the store');
      if (page.length < pageSize) break;
      afterPlace = page.at(-1)?.place ?? afterPlace;
    }
  }
  for (const copy of copies) if (copy.kind === 'head') take(copy, 'in the second copy');
  return { base: base ?? { place: 0, hash: emptyHash }, isCut: base !== undefined, hashes, findings, unchecked };
};

interface Walk {
  readonly signed: Signed;
  readonly findings: Finding[];
  readonly numbers: NumberRuns;
  readonly intents: Map<string, AuditRecord>;
  readonly outcomes: Set<string>;
  /** Persons whose records have lost what is personal, with the first of them. */
  readonly stripped: Map<string, SealedRecord>;
  readonly erased: Set<string>;
  place: number;
  hash: string;
  records: number;
  signedUntil: number;
  /** The last checkpoint that did not fit: what follows it does not either. */
  isRewritten: boolean;
  unsealed: number;
  /** A record with a MAC has been seen: those of before there were any stand in front of it. */
  hasMacs: boolean;
  uncheckedRecords: number;
}

const createWalk = (signed: Signed): Walk => ({
  signed,
  findings: [...signed.findings],
  numbers: createNumberRuns(signed.isCut),
  intents: new Map(),
  outcomes: new Set(),
  stripped: new Map(),
  erased: new Set(),
  ...signed.base,
  records: 0,
  signedUntil: signed.base.place,
  isRewritten: false,
  unsealed: 0,
  hasMacs: false,
  uncheckedRecords: 0,
});

const walkOn = async ({ audit, spool, macs }: VerifyOptions, walk: Walk): Promise<void> => {
  // First what is not sealed: it may be by the time the end of the chain is reached, and then it is seen there as well.
  const waiting = (await spool?.readUnsealed(maxUnsealed)) ?? [];
  const unsealed = await audit.readUnsealed(maxUnsealed);
  walk.unsealed = waiting.length + unsealed.length;
  for (const record of [...waiting, ...unsealed]) lookAt(walk, record);
  for (;;) {
    const page = await audit.readSealed(walk.place, pageSize);
    for (const record of page) {
      stepTo(walk, record);
      judgeMac(walk, record, macs);
    }
    if (page.length < pageSize) return;
  }
};

const stepTo = (walk: Walk, record: SealedRecord): void => {
  const { seal, effectId } = record;
  const { place } = seal;
  if (place > walk.place + 1) {
    note(walk, { kind: 'missing', place: walk.place + 1, text: `${missingRange(walk.place + 1, place - 1)} gone` });
    // What stood before it is gone, so its own hash cannot be computed; what follows it can.
    walk.hash = '';
  }
  const problem = walk.hash === '' ? undefined : checkSeal(walk.hash, record);
  if (problem === 'changed')
    note(walk, { kind: 'changed', place, effectId, text: `the record at place ${place} is not what was sealed` });
  if (problem === 'erased') noteStripped(walk, record);
  const expected = walk.signed.hashes.get(place);
  if (expected !== undefined && expected === seal.hash) {
    walk.signedUntil = place;
  } else if (expected !== undefined && !walk.isRewritten) {
    walk.isRewritten = true;
    const from = walk.signedUntil + 1;
    note(walk, {
      kind: 'rewritten',
      place: from,
      text: `between place ${from} and ${place} the chain is not the one that was signed`,
    });
  }
  walk.place = place;
  walk.hash = seal.hash;
  walk.records += 1;
  lookAt(walk, record);
};

const judgeMac = (walk: Walk, { seal: { place }, ...record }: SealedRecord, macs: Pick<RecordMacs, 'check'>): void => {
  const verdict = macs.check(record);
  if (verdict === 'unknown_key') walk.uncheckedRecords += 1;
  if (verdict === 'forged' || (verdict === 'none' && walk.hasMacs)) {
    const text = `no issuer has written the record at place ${place}`;
    note(walk, { kind: 'forged', place, effectId: record.effectId, text });
  }
  if (verdict !== 'none') walk.hasMacs = true;
};

const missingRange = (first: number, last: number): string =>
  first === last ? `the record at place ${first} is` : `the records from place ${first} to ${last} are`;

const note = (walk: Walk, finding: Finding): void => {
  if (walk.findings.length < maxFindings) walk.findings.push(finding);
};

const noteStripped = (walk: Walk, record: SealedRecord): void => {
  const { userId = '' } = record;
  if (!walk.stripped.has(userId)) walk.stripped.set(userId, record);
};

const lookAt = (walk: Walk, record: AuditRecord): void => {
  walk.numbers.see(record.origin);
  if (record.eventType === erasureEventType && record.userId !== undefined) walk.erased.add(record.userId);
  if (record.eventType === intentEventType) walk.intents.set(record.effectId, record);
  if (record.eventType === outcomeEventType) walk.outcomes.add(String(detailOf(record, 'intent')));
};

const detailOf = ({ details }: AuditRecord, name: string): unknown => {
  try {
    return (JSON.parse(details) as Readonly<Record<string, unknown>>)[name];
  } catch {
    return undefined;
  }
};

const conclude = async (options: VerifyOptions, walk: Walk, headPlace: number): Promise<AuditReport> => {
  const { signed, numbers } = walk;
  const known = Math.max(headPlace, ...signed.hashes.keys());
  if (known > walk.place) {
    const text = `${missingRange(walk.place + 1, known)} gone from the end`;
    note(walk, { kind: 'tail_missing', place: walk.place + 1, text });
  }
  if (walk.records > 0 && signed.hashes.size === 0)
    note(walk, { kind: 'unsigned', place: 1, text: 'no checkpoint of this chain could be checked' });
  for (const { node, boot, number } of numbers.missing(maxFindings))
    note(walk, {
      kind: 'number_missing',
      text: `no record has number ${number} of ${node} (boot ${boot})`,
    });
  for (const [userId, record] of walk.stripped) {
    if (walk.erased.has(userId) || (await isErased(options.audit, record.realmId, userId))) continue;
    const { place } = record.seal;
    const text = `the record at place ${place} has lost what is personal, and no erasure was recorded`;
    note(walk, { kind: 'erased_without_record', place, effectId: record.effectId, text });
  }
  const findings = walk.findings.toSorted((a, b) => (a.place ?? Infinity) - (b.place ?? Infinity));
  return {
    passed: findings.length === 0,
    findings,
    records: walk.records,
    lastPlace: walk.place,
    cutAt: signed.base.place,
    checkpoints: signed.hashes.size,
    uncheckedCheckpoints: signed.unchecked,
    uncheckedRecords: walk.uncheckedRecords,
    unsigned: walk.place - walk.signedUntil,
    unsealed: walk.unsealed,
    openIntents: openIntents(walk, options.nowMs),
  };
};

/** Where that is not known of the person: its record may have been cut with the beginning, or have come meanwhile. */
const isErased = async (audit: Audit, realmId: RealmId, userId: string): Promise<boolean> =>
  userId !== '' && (await audit.listAudit({ realmId, userId, eventType: erasureEventType, limit: 1 })).length > 0;

const openIntents = ({ intents, outcomes }: Walk, nowMs: number): readonly OpenIntent[] =>
  [...intents.values()]
    .filter(({ effectId, atMs }) => !outcomes.has(effectId) && atMs < nowMs - intentGraceMs)
    .map((record) => ({
      effectId: record.effectId,
      at: new Date(record.atMs).toISOString(),
      act: String(detailOf(record, 'act')),
      requestId: record.requestId,
      ...(record.userId !== undefined && { userId: record.userId }),
    }));
