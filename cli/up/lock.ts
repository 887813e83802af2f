import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { CommandError } from '../exit-codes.ts';
import { processIdentity } from './process-identity.ts';

export interface Holder {
  readonly pid: number;
  /** See `processIdentity`. */
  readonly identity: string;
  /** ISO 8601. */
  readonly since: string;
}

export interface Lock {
  /** True where the holder before this one died without letting go: its servers may be about to stop. */
  readonly takenOver: boolean;
  readonly release: () => void;
}

const attempts = 10;

/**
 * Takes the lock file for this process. A holder that was killed holds nothing: it is known by its process id and its start.
 * @throws CommandError that says who holds it
 */
export const takeLock = (file: string, now: Date): Lock => {
  const mine: Holder = { pid: process.pid, identity: processIdentity(process.pid) ?? '', since: now.toISOString() };
  let takenOver = false;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (claim(file, mine)) return { takenOver, release: () => release(file, mine) };
    const text = read(file);
    if (text === undefined) continue;
    const holder = parseHolder(text);
    if (holder !== undefined && processIdentity(holder.pid) === holder.identity) throw heldBy(file, holder);
    takeAway(file, text);
    takenOver = true;
  }
  throw new CommandError(`${file} is fought for by several starts: try again`);
};

const heldBy = (file: string, { pid, since }: Holder): CommandError =>
  new CommandError(
    `The data folder is in use by process ${pid}, since ${since} (${file}). Stop it, or start beside it: ` +
      'SALLYPORT_DATA_DIR=data2 SALLYPORT_PORT_OFFSET=100',
  );

/** A link appears with its content and fails where the name is taken: nobody ever reads half a lock. */
const claim = (file: string, mine: Holder): boolean => {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(mine), { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
};

/** Of several who saw the dead holder, one moves its lock away; who moved a newer one by mistake puts it back. */
const takeAway = (file: string, seen: string): void => {
  const aside = `${file}.dead.${process.pid}`;
  try {
    renameSync(file, aside);
    if (read(aside) !== seen) linkSync(aside, file);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
};

const release = (file: string, mine: Holder): void => {
  if (read(file) === JSON.stringify(mine)) rmSync(file, { force: true });
};

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
};

const parseHolder = (text: string): Holder | undefined => {
  try {
    const { pid, identity, since } = JSON.parse(text) as Partial<Holder>;
    return typeof pid === 'number' && identity && since ? { pid, identity, since } : undefined;
  } catch {
    // Not written by us: nobody's.
    return undefined;
  }
};

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
