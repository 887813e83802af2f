import { fileURLToPath } from 'node:url';
import { type IssuerClient, issuerClient, newAttemptId } from '../client.ts';
import { issuerFolder, startIssuer } from '../issuer-process.ts';
import type { ProofStore } from '../on-store.ts';
import type { EventTarget } from './event-target.ts';

type State = 'there' | 'gone' | 'slow';
const states = ['there', 'gone', 'slow'] as const satisfies readonly State[];

export type LatencyResult = Readonly<Record<State, { readonly p50Ms: number; readonly p95Ms: number }>>;

const quickIssuer = fileURLToPath(new URL('./quick-issuer.ts', import.meta.url));
/** The states take turns, so that what else the machine does falls on all of them. */
const registrationsPerTurn = 10;
const slowMs = 2000;

/** How long a registration takes, by what the receiver of its event does. The issuer relays by itself: that is where it could hurt. */
export const registrationLatency = async (options: {
  readonly registrations: number;
  readonly store: ProofStore;
  readonly target: EventTarget;
}): Promise<LatencyResult> => {
  const { store, target } = options;
  const folder = issuerFolder({
    ...store.settings,
    ...target.settings,
    ...{ TESTS_ONLY: 'on', PASSWORD_MIN_SCORE: '0', PASSWORD_REFUSE_COMMON: 'off', LOG_LEVEL: 'error' },
  });
  const issuer = await startIssuer(folder, 0, quickIssuer);
  const client = issuerClient(issuer.url);
  const taken: Record<State, number[]> = { there: [], gone: [], slow: [] };
  try {
    await registerSome(client);
    for (let turn = 0; turn * registrationsPerTurn < options.registrations; turn += 1)
      for (const state of states) taken[state].push(...(await inState(state, target, () => registerSome(client))));
    return { there: summary(taken.there), gone: summary(taken.gone), slow: summary(taken.slow) };
  } finally {
    await client.close();
    await issuer.stop();
    folder.remove();
  }
};

const inState = async <T>(state: State, target: EventTarget, work: () => Promise<T>): Promise<T> => {
  await target.delay(state === 'slow' ? slowMs : 0);
  if (state === 'gone') await target.leave();
  try {
    return await work();
  } finally {
    if (state === 'gone') await target.comeBack();
  }
};

const registerSome = async (client: IssuerClient): Promise<readonly number[]> => {
  const durations: number[] = [];
  for (let count = 0; count < registrationsPerTurn; count += 1) {
    const account = { email: `${newAttemptId()}@example.org`, password: newAttemptId(), name: 'Prove' };
    const started = performance.now();
    const { status } = await client.post('/auth/register', account);
    durations.push(performance.now() - started);
    if (status !== 201) throw new Error(`a registration was answered with ${status}`);
  }
  return durations;
};

const summary = (durations: readonly number[]): LatencyResult[State] => {
  const sorted = durations.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 100) / 100;
  return { p50Ms: at(0.5), p95Ms: at(0.95) };
};
