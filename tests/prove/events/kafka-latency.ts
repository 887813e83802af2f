import { setTimeout as sleep } from 'node:timers/promises';
import { type KafkaServer, startKafka } from '@sallyport/auth/outbox/testing';
import { type IssuerClient, issuerClient, newAttemptId } from '../client.ts';
import { issuerFolder, startIssuer } from '../issuer-process.ts';
import { areaUnderCurve, percentile } from '../rank.ts';
import { quickIssuer } from './fleet.ts';

export interface KafkaLatencyOptions {
  /** Registrations in each state of the broker, one after the other. */
  readonly registrations: number;
  /** The states take turns so often, so that what the machine does besides falls on all of them. */
  readonly rounds: number;
  readonly settings: Readonly<Record<string, string>>;
}

interface Latency {
  readonly registrations: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  /** The chance that one of these took longer than one with the broker up. 0.5: cannot be told apart. */
  readonly slowerThanUp: number;
}

export interface KafkaLatencyResult {
  readonly up: Latency;
  readonly down: Latency;
  readonly hung: Latency;
  readonly passed: boolean;
}

type State = 'up' | 'down' | 'hung';

/** Each brings the broker into a state, and back. */
const states: Readonly<Record<State, readonly [(kafka: KafkaServer) => unknown, (kafka: KafkaServer) => unknown]>> = {
  up: [() => undefined, () => undefined],
  down: [(kafka) => kafka.kill(), (kafka) => kafka.restart()],
  hung: [(kafka) => kafka.freeze(), (kafka) => kafka.thaw()],
};

/** A broker that starts, and a backlog that drains, take the machine from everything else for a moment. */
const settleMs = 3000;
/** Between two registrations: one after the other without a pause they would wait for each other's events to be written and marked, broker or not. */
const paceMs = 25;
/** Medians differ by so much with nothing changed but what else the machine does. Whoever waited for a broker would wait for seconds. */
const allowedMs = 2;

/** The issuer carries its events itself here, as it does by default; the hash costs next to nothing, so that it hides nothing. */
export const kafkaLatency = async (options: KafkaLatencyOptions): Promise<KafkaLatencyResult> => {
  const kafka = await startKafka();
  const folder = issuerFolder({
    ...options.settings,
    ...{ KAFKA_BROKERS: kafka.brokers, KAFKA_CREATE_TOPIC: 'on', TESTS_ONLY: 'on', LOG_LEVEL: 'error' },
    ...{ PASSWORD_MIN_SCORE: '0', PASSWORD_REFUSE_COMMON: 'off' },
  });
  try {
    const issuer = await startIssuer(folder, 0, quickIssuer);
    const client = issuerClient(issuer.url, 1);
    try {
      await registerInTurn(client, options.registrations);
      return resultOf(await measure(options, client, kafka));
    } finally {
      await client.close();
      await issuer.stop();
    }
  } finally {
    await kafka.stop();
    folder.remove();
  }
};

const measure = async (
  { registrations, rounds }: KafkaLatencyOptions,
  client: IssuerClient,
  kafka: KafkaServer,
): Promise<Readonly<Record<State, number[]>>> => {
  const took: Record<State, number[]> = { up: [], down: [], hung: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const state of ['up', 'down', 'hung'] as const) {
      const [enter, leave] = states[state];
      await enter(kafka);
      await sleep(settleMs / 3);
      took[state].push(...(await registerInTurn(client, Math.ceil(registrations / rounds))));
      await leave(kafka);
      await sleep(settleMs);
    }
  }
  return took;
};

const registerInTurn = async (client: IssuerClient, count: number): Promise<number[]> => {
  const took: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const account = { email: `${newAttemptId()}@example.org`, password: newAttemptId(), name: 'Prove' };
    await sleep(paceMs);
    const started = performance.now();
    const { status } = await client.post('/auth/register', account);
    took.push(performance.now() - started);
    if (status !== 201) throw new Error(`a registration was answered with ${status}`);
  }
  return took;
};

const resultOf = (took: Readonly<Record<State, number[]>>): KafkaLatencyResult => {
  const latencyOf = (state: State): Latency => ({
    registrations: took[state].length,
    medianMs: round(percentile(took[state], 0.5)),
    p95Ms: round(percentile(took[state], 0.95)),
    slowerThanUp: round(areaUnderCurve(took.up, took[state])),
  });
  const [up, down, hung] = [latencyOf('up'), latencyOf('down'), latencyOf('hung')];
  const passed = [down, hung].every(({ medianMs }) => medianMs <= up.medianMs + allowedMs);
  return { up, down, hung, passed };
};

const round = (value: number): number => Math.round(value * 100) / 100;
