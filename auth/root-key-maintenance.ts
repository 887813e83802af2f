/** What an operator has to know before a root key goes. */
import type { EpochMs } from '@sallyport/contract';
import type { NamedKey } from '@sallyport/kit/config';
import type { Audit, AuditCheckpoint } from '@sallyport/storage/contracts/audit';
import { type RootKeys, type SealedColumn, sealedColumns } from '@sallyport/storage/contracts/root-keys';
import { rootOf, sealedPages } from './tokens/sealed-values.ts';

export interface RootKeyUse {
  readonly kid: string;
  /** `first`: derives and seals; `held`: is accepted; `missing`: something needs it, and it is not in SALLYPORT_ROOT_KEYS. */
  readonly state: 'first' | 'held' | 'missing';
  /** Values that are sealed under it. */
  readonly values: Readonly<Record<SealedColumn, number>>;
  /** Live sessions whose token is derived with it, or whose origin is sealed under it. */
  readonly sessions: number;
  /** The end of the longest of them. */
  readonly sessionsUntilMs?: EpochMs;
  /** Checkpoints of the audit trail that `audit verify` cannot check without it. */
  readonly checkpoints: number;
}

interface Counted {
  values: Record<SealedColumn, number>;
  sessions: number;
  sessionsUntilMs?: EpochMs;
  checkpoints: number;
}

const nothing = (): Counted => ({
  values: Object.fromEntries(sealedColumns.map((column) => [column, 0])) as Record<SealedColumn, number>,
  sessions: 0,
  checkpoints: 0,
});

/** Reads everything that is sealed, and every live session. Held ones first, in the order of the list. */
export const listRootKeys = async (
  roots: readonly NamedKey[],
  { rootKeys, audit }: { readonly rootKeys: RootKeys; readonly audit: Pick<Audit, 'listCheckpoints'> },
): Promise<readonly RootKeyUse[]> => {
  const found = new Map<string, Counted>(roots.map(({ kid }) => [kid, nothing()]));
  const of = (kid: string): Counted => {
    const counted = found.get(kid) ?? nothing();
    found.set(kid, counted);
    return counted;
  };
  for (const column of sealedColumns) {
    for await (const values of sealedPages({ rootKeys }, column)) {
      for (const { sealed } of values) of(rootOf(sealed)).values[column] += 1;
    }
  }
  for (const { kid, sessions, untilMs } of await rootKeys.countSessionsByRoot()) {
    Object.assign(of(kid), { sessions, sessionsUntilMs: untilMs });
  }
  for (const { keyId } of await allCheckpoints(audit)) of(keyId).checkpoints += 1;
  const held = new Set(roots.map(({ kid }) => kid));
  return [...found].map(([kid, counted]) => ({
    kid,
    state: kid === roots[0]?.kid ? 'first' : held.has(kid) ? 'held' : 'missing',
    ...counted,
  }));
};

const checkpointsPerPage = 1000;

const allCheckpoints = async (audit: Pick<Audit, 'listCheckpoints'>): Promise<readonly AuditCheckpoint[]> => {
  const all: AuditCheckpoint[] = [];
  for (const kind of ['head', 'cut'] as const) {
    for (let afterPlace = -1; ; ) {
      const page = await audit.listCheckpoints({ kind, afterPlace, limit: checkpointsPerPage });
      all.push(...page);
      if (page.length < checkpointsPerPage) break;
      afterPlace = page.at(-1)?.place ?? afterPlace;
    }
  }
  return all;
};
