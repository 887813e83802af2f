/**
 * Where the audit trail is kept, by the settings: in the store of the acts, or in a database of its own. Opens and starts its parts;
 * what they do stands in `audit/`.
 */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@sallyport/kit/clock';
import type { Lifecycle } from '@sallyport/kit/lifecycle';
import type { Log } from '@sallyport/kit/log';
import type { Random } from '@sallyport/kit/random';
import type { Audit, AuditSpool } from '@sallyport/storage/contracts/audit';
import type { Storage } from '@sallyport/storage/contracts/storage';
import { type Backlog, watchBacklog } from './audit/backlog.ts';
import { type CheckpointKeys, createCheckpointKeys } from './audit/checkpoints.ts';
import { type Collector, createCollector } from './audit/collector.ts';
import { createCut } from './audit/cut.ts';
import { type Delivery, startDelivery } from './audit/delivery.ts';
import { createIntents, type Intents } from './audit/intents.ts';
import { createRecordMacs, type RecordMacs } from './audit/record-macs.ts';
import { type Sealer, startSealer } from './audit/sealer.ts';
import { appendToCheckpointFile } from './audit/sinks/checkpoint-file.ts';
import { startJsonLines } from './audit/sinks/json-lines.ts';
import type { AuthSettings } from './config.ts';
import { openAuditStore } from './open-audit-store.ts';
import { type AuditMode, auditModeOf } from './settings/audit.ts';

export interface OpenedAudit {
  readonly mode: AuditMode;
  /** Where it is kept. */
  readonly trail: Audit;
  /** The same over a connection of its own: an intent does not stand in line behind what is sealed. */
  readonly ahead: Audit;
  readonly keys: CheckpointKeys;
  readonly macs: RecordMacs;
  /** True: in a database of its own; records wait in the store of the acts until that has them. */
  readonly isElsewhere: boolean;
  readonly cut: ReturnType<typeof createCut>;
  close(): Promise<void>;
}

export interface OpenAuditOptions {
  readonly settings: AuthSettings;
  readonly storage: Pick<Storage, 'audit'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** @throws SettingsError where the audit store answers and may not be used; one that does not answer stops nobody from starting */
export const openAudit = async ({ settings, storage, clock, random }: OpenAuditOptions): Promise<OpenedAudit> => {
  const mode = auditModeOf(settings);
  const elsewhere = await openAuditStore(settings, random);
  const ahead = mode === 'write-ahead' ? await openAuditStore(settings, random) : undefined;
  const trail = elsewhere?.audit ?? storage.audit;
  const keys = createCheckpointKeys(settings.rootKeys);
  return {
    mode,
    trail,
    ahead: ahead?.audit ?? trail,
    keys,
    macs: createRecordMacs(settings.rootKeys),
    isElsewhere: elsewhere !== undefined,
    cut: createCut({ audit: trail, keys, clock }),
    close: async () => {
      await ahead?.close();
      await elsewhere?.close();
    },
  };
};

/** Another database has another chain: the checkpoints of both in one file would contradict each other. */
export const checkpointFileOf = ({
  auditCheckpointFile,
  auditDatabaseUrl: url,
  dataDir,
}: Pick<AuthSettings, 'auditCheckpointFile' | 'auditDatabaseUrl' | 'dataDir'>): string => {
  if (auditCheckpointFile !== undefined) return auditCheckpointFile;
  const place = url?.replace(/^[^:]*:\/\/(?:[^/]*@)?/, '').replace(/\?.*$/, '');
  const name = place === undefined ? '' : `-${createHash('sha256').update(place).digest('hex').slice(0, 8)}`;
  return join(dataDir, `audit-checkpoints${name}.jsonl`);
};

export interface RunningAudit {
  /** Where the drain puts what it has made of effects. */
  readonly collector: Collector;
  readonly backlog: Backlog;
  readonly sealer: Sealer;
  readonly delivery: Delivery | undefined;
  readonly aroundAct: Intents['around'];
}

const sealIntervalMs = 300;
const deliveryIntervalMs = 300;
const backlogIntervalMs = 1000;

export interface StartAuditOptions extends OpenAuditOptions {
  readonly opened: OpenedAudit;
  readonly storage: Pick<Storage, 'audit' | 'auditSpool'>;
  readonly lifecycle: Lifecycle;
  readonly log: Log;
}

/** In the order in which they may not be missed: the drain is stopped first, then what delivers, then what seals. */
export const startAudit = (options: StartAuditOptions): RunningAudit => {
  const { opened, settings, storage, clock, random, lifecycle, log } = options;
  const { trail, keys, isElsewhere } = opened;
  const node = nodeName();
  const holder = `${node}/${random.bytes(6).toString('hex')}`.slice(-64);
  lifecycle.add({ name: 'audit store', stop: () => opened.close() });
  if (settings.auditFile !== undefined) {
    const onError = (err: unknown) => log.error({ err }, 'copying the audit trail to AUDIT_FILE failed');
    const stop = startJsonLines({ audit: trail, path: settings.auditFile, intervalMs: sealIntervalMs, onError });
    lifecycle.add({ name: 'copy of the audit trail', stop });
  }
  const checkpointFile = checkpointFileOf(settings);
  const sealer = startSealer({
    audit: trail,
    keys,
    clock,
    random,
    holder,
    intervalMs: sealIntervalMs,
    checkpointMs: settings.auditCheckpointSeconds * 1000,
    copyCheckpoint: (checkpoint) => appendToCheckpointFile(checkpointFile, checkpoint),
    onError: onceInAWhile((err) => log.warn({ err }, 'sealing the audit trail failed')),
  });
  lifecycle.add({ name: 'audit sealer', stop: sealer.stop });
  const delivery = isElsewhere ? deliver(options, holder) : undefined;
  if (delivery !== undefined) lifecycle.add({ name: 'audit delivery', stop: delivery.stop });
  const { macs } = opened;
  const here = isElsewhere ? undefined : trail;
  const collector = createCollector({ spool: storage.auditSpool, node, random, macs, trail: here });
  const aroundAct = actGuard(options, node, collector);
  const backlog = watchBacklog(storage.auditSpool, clock, backlogIntervalMs);
  lifecycle.add({ name: 'audit backlog', stop: backlog.stop });
  log.info({ mode: opened.mode, store: isElsewhere ? 'AUDIT_DATABASE_URL' : 'DATABASE_URL' }, 'audit trail');
  return { collector, backlog, sealer, delivery, aroundAct };
};

/** Only in the mode of that name does an act wait for anything. */
const actGuard = (
  { opened, storage, clock, random, lifecycle, log }: StartAuditOptions,
  node: string,
  collector: Pick<Audit, 'appendAudit'>,
): Intents['around'] => {
  if (opened.mode !== 'write-ahead') return (_, run) => run();
  const onError = onceInAWhile((err) => log.warn({ err }, 'writing down outcomes failed: they wait'));
  const spool = opened.isElsewhere ? spoolOf(opened.ahead) : storage.auditSpool;
  const ahead = createCollector({ spool, node, random, macs: opened.macs });
  const intents = createIntents({ ahead, afterwards: collector, clock, random, onError });
  lifecycle.add({ name: 'outcomes', stop: intents.stop });
  return intents.around;
};

/**
 * For a command, which ends: the intent of an act before it, where that is the mode, and its outcome in the store of the acts.
 * @throws Problem `audit_unavailable`
 */
export const openActGuard = (
  opened: OpenedAudit,
  { storage, clock, random }: Pick<StartAuditOptions, 'storage' | 'clock' | 'random'>,
): Pick<Intents, 'around' | 'stop'> => {
  if (opened.mode !== 'write-ahead') return { around: (_, run) => run(), stop: async () => undefined };
  const node = nodeName();
  const ahead = createCollector({
    spool: opened.isElsewhere ? spoolOf(opened.ahead) : storage.auditSpool,
    node,
    random,
    macs: opened.macs,
  });
  const afterwards = createCollector({ spool: storage.auditSpool, node, random, macs: opened.macs });
  return createIntents({ ahead, afterwards, clock, random, onError: () => undefined });
};

/** Only this process knows these records: all of them are new. */
const spoolOf = (audit: Audit): Pick<AuditSpool, 'collectAudit'> => ({
  collectAudit: async (records, from) => {
    await audit.appendAudit(
      records.map((record, index) => ({ ...record, origin: { ...from, number: from.number + index } })),
    );
    return { fresh: records.length, sealed: false };
  },
});

const deliver = ({ opened, storage, log }: StartAuditOptions, holder: string): Delivery =>
  startDelivery({
    spool: storage.auditSpool,
    audit: opened.trail,
    // Nobody seals in the store of the acts while the trail is elsewhere: its lease is free.
    lease: (ttlMs) => storage.audit.leaseSealing({ holder, ttlMs }),
    intervalMs: deliveryIntervalMs,
    onChange: ({ up, error }) =>
      up
        ? log.info('the audit store takes records again')
        : log.warn({ err: error }, 'the audit store takes no records: they wait in the store of the acts'),
    onError: onceInAWhile((err) => log.warn({ err }, 'delivering audit records failed')),
  });

const quietMs = 10_000;

/** A store that is away fails several times a second. */
const onceInAWhile = (tell: (error: unknown) => void): ((error: unknown) => void) => {
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (performance.now() - toldAtMs < quietMs) return;
    toldAtMs = performance.now();
    tell(error);
  };
};

/** As columns take it. */
const nodeName = (): string =>
  hostname()
    .replace(/[^\x21-\x7e]/g, '?')
    .slice(0, 40) || 'unnamed';
