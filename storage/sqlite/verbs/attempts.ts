import type { EpochMs, RealmId } from '@sallyport/contract';
import type { AttemptGate, Counters, Reservation } from '../../contracts/counters.ts';
import type { Transaction } from '../transaction.ts';

/** What a gate's row knows, with everything outside its window already forgotten. */
interface GateState {
  readonly failedMs: number[];
  /** Attempts under way: [attempt id, end of its lease]. */
  readonly pending: [string, number][];
  failuresInRow: number;
  lockedUntilMs: number;
}

const select = `SELECT attempts_ms, pending, failures_in_row, locked_until_ms FROM counters
  WHERE realm_id = ? AND purpose = ? AND subject = ? AND expires_at_ms > ?`;
const upsert = `INSERT INTO counters (realm_id, purpose, subject, attempts_ms, pending, failures_in_row, locked_until_ms, expires_at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET attempts_ms = excluded.attempts_ms, pending = excluded.pending,
    failures_in_row = excluded.failures_in_row, locked_until_ms = excluded.locked_until_ms, expires_at_ms = excluded.expires_at_ms`;

/** A row of failures is forgotten when its subject has been quiet for this long. */
const memoryMs = 86_400_000;

/** Whoever guesses at accounts that do not exist adds rows; each reservation takes away more than it adds. */
const forgottenAtOnce = 8;
const forget = `DELETE FROM counters WHERE (realm_id, purpose, subject) IN
  (SELECT realm_id, purpose, subject FROM counters WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ${forgottenAtOnce})`;

export const reserveAttempt = (tx: Transaction, input: Parameters<Counters['reserveAttempt']>[0]): Reservation => {
  const states = input.gates.map((gate) => ({ gate, state: read(tx, input.realmId, gate) }));
  for (const { gate, state } of states) {
    const refusal = refusalOf(gate, state);
    if (refusal !== undefined) return refusal;
  }
  const locked = states.some(({ gate, state }) => gate.lock !== undefined && state.lockedUntilMs > tx.nowMs);
  for (const { gate, state } of states) {
    state.pending.push([input.attemptId, tx.nowMs + input.leaseMs]);
    write(tx, input.realmId, gate, state);
  }
  forgetExpired(tx);
  return { kind: locked ? 'locked' : 'granted' };
};

const forgetExpired = (tx: Transaction): void => {
  tx.run(forget, tx.nowMs);
};

const refusalOf = (gate: AttemptGate, state: GateState): Reservation | undefined => {
  if (gate.limit === 0) return undefined;
  const oldest = state.failedMs[state.failedMs.length - gate.limit];
  if (oldest !== undefined) {
    const { limit, windowMs } = gate;
    return { kind: 'limited', retryAtMs: (oldest + windowMs) as EpochMs, limit, windowMs };
  }
  return state.failedMs.length + state.pending.length >= gate.limit ? { kind: 'wait' } : undefined;
};

export const settleAttempt = (tx: Transaction, input: Parameters<Counters['settleAttempt']>[0]): void => {
  for (const gate of input.gates) {
    const state = read(tx, input.realmId, gate);
    const at = state.pending.findIndex(([attemptId]) => attemptId === input.attemptId);
    if (at < 0) continue;
    state.pending.splice(at, 1);
    if (input.outcome === 'failed') fail(state, tx.nowMs, gate);
    if (input.outcome === 'locked') countInWindow(state, tx.nowMs, gate);
    if (input.outcome === 'succeeded') state.failuresInRow = 0;
    write(tx, input.realmId, gate, state);
  }
};

/** Without a limit nothing would ever bound the list. */
const countInWindow = (state: GateState, atMs: number, { limit }: AttemptGate): void => {
  if (limit > 0) state.failedMs.push(atMs);
};

const fail = (state: GateState, atMs: number, gate: AttemptGate): void => {
  const { lock } = gate;
  countInWindow(state, atMs, gate);
  state.failuresInRow += 1;
  if (lock === undefined || state.failuresInRow % lock.after !== 0) return;
  const doublings = state.failuresInRow / lock.after - 1;
  state.lockedUntilMs = atMs + Math.min(lock.firstMs * 2 ** doublings, lock.longestMs);
};

/** A lease that ran out counts as a failure at that moment: its node died with the verdict. */
const read = (tx: Transaction, realmId: RealmId, gate: AttemptGate): GateState => {
  const row = tx.get(select, realmId, gate.purpose, gate.subject, tx.nowMs);
  if (row === undefined) return { failedMs: [], pending: [], failuresInRow: 0, lockedUntilMs: 0 };
  const all = JSON.parse(String(row['pending'])) as [string, number][];
  const state: GateState = {
    failedMs: JSON.parse(String(row['attempts_ms'])) as number[],
    pending: all.filter(([, leaseEndMs]) => leaseEndMs > tx.nowMs),
    failuresInRow: Number(row['failures_in_row']),
    lockedUntilMs: Number(row['locked_until_ms']),
  };
  for (const [, leaseEndMs] of all) if (leaseEndMs <= tx.nowMs) fail(state, leaseEndMs, gate);
  state.failedMs.splice(0, state.failedMs.length, ...state.failedMs.filter((ms) => ms > tx.nowMs - gate.windowMs));
  return state;
};

const write = (tx: Transaction, realmId: RealmId, gate: AttemptGate, state: GateState): void => {
  const { failedMs, pending, failuresInRow, lockedUntilMs } = state;
  tx.run(
    upsert,
    realmId,
    gate.purpose,
    gate.subject,
    JSON.stringify(failedMs),
    JSON.stringify(pending),
    failuresInRow,
    lockedUntilMs,
    tx.nowMs + memoryMs,
  );
};
