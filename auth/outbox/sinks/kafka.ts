/**
 * Events to Kafka: acknowledged by all replicas in sync, idempotent, one key per user. At least once: what was sent when a connection
 * broke is sent again, and may stand there twice. The first of each id is in order within its user, always.
 */
import { type KafkaConnection, type KafkaTarget, type Limits, openConnection } from './kafka/connection.ts';
import { failureOf, isTopicThere } from './kafka/failure.ts';
import { bytesOf, messageOf } from './kafka/message.ts';
import type { CloudEvent, Delivery, EventSink } from './sink.ts';

export interface KafkaSinkOptions {
  readonly target: KafkaTarget;
  readonly topic: string;
  /** Makes the topic where there is none. */
  readonly createTopic: boolean;
  /** Default: 3 s, 4 s, and 12 s for a whole delivery. */
  readonly limits?: Limits & { readonly deliverMs: number };
}

const defaultLimits = { connectMs: 3000, answerMs: 4000, deliverMs: 12_000 };
/** Far below what a broker takes in one batch by default (1 MiB): only an event that is too large by itself is ever refused for its size. */
const maxRequestBytes = 262_144;

type Sent = { readonly kind: 'sent' } | { readonly kind: 'rejected' | 'unavailable'; readonly reason: string };

/** One call of `deliver`. */
interface Job {
  readonly events: readonly CloudEvent[];
  /** Its time is up, or it is not wanted any more. */
  readonly ended: AbortSignal;
  /** The first answer counts. */
  readonly answer: (deliveries: readonly Delivery[]) => void;
}

const unavailable = ({ reason }: { readonly reason: string }): Delivery => ({ outcome: 'unavailable', reason });
const late = { kind: 'unavailable', reason: 'Kafka has not answered in time' } as const;
const behind = unavailable({ reason: 'an earlier event of its subject was not delivered' });

export const createKafkaSink = (options: KafkaSinkOptions): EventSink => {
  const { target, topic, createTopic, limits = defaultLimits } = options;
  let connection: KafkaConnection | undefined;
  let isClosed = false;
  let isAtWork = false;
  const waiting: Job[] = [];

  const drop = (): void => {
    connection?.drop();
    connection = undefined;
  };

  const sendMakingTopic = async (events: readonly CloudEvent[], by: KafkaConnection): Promise<void> => {
    const send = () => by.send(events.map((event) => messageOf(event, topic)));
    try {
      await send();
    } catch (error) {
      if (!createTopic || failureOf(error).kind !== 'no_topic') throw error;
      await by.createTopic(topic).catch((refusal: unknown) => {
        // Another issuer has been faster.
        if (!isTopicThere(refusal)) throw refusal;
      });
      await send();
    }
  };

  const send = async (events: readonly CloudEvent[], ended: AbortSignal): Promise<Sent> => {
    if (isClosed) return { kind: 'unavailable', reason: 'the sink is closed' };
    try {
      connection ??= openConnection(target, limits);
      await beforeEnd(sendMakingTopic(events, connection), ended);
      return { kind: 'sent' };
    } catch (error) {
      drop();
      if (ended.aborted) return late;
      const failure = failureOf(error);
      if (failure.kind !== 'no_topic') return failure;
      const wayOut = 'create it, or set KAFKA_CREATE_TOPIC=on';
      return { kind: 'unavailable', reason: `Kafka has no topic "${topic}": ${wayOut}` };
    }
  };

  const deliverAll = async (jobs: readonly Job[]): Promise<void> => {
    const ended = allOf(jobs.map((job) => job.ended));
    const course: Course = { answers: new Map(), refused: new Set(), send: (events) => send(events, ended) };
    const rest = await deliverChunks(chunksOf(jobs, topic), course);
    for (const { events, answer } of jobs) answer(events.map((event) => course.answers.get(event) ?? rest));
  };

  /**
   * One send at a time, so that sequence numbers are used in the order in which they were given. What comes meanwhile goes together in
   * the next: however many deliveries wait, a broker that is away costs them one wait.
   */
  const work = async (): Promise<void> => {
    if (isAtWork) return;
    isAtWork = true;
    while (waiting.length > 0) await deliverAll(waiting.splice(0).filter(({ ended }) => !ended.aborted));
    isAtWork = false;
  };

  return {
    name: 'kafka',
    deliver: async (events, signal) => {
      const { promise, resolve } = Promise.withResolvers<readonly Delivery[]>();
      const { ended, forget } = endOf(signal, limits.deliverMs);
      const giveUp = () => resolve(events.map(() => unavailable(late)));
      if (ended.aborted) giveUp();
      ended.addEventListener('abort', giveUp, { once: true });
      waiting.push({ events, ended, answer: resolve });
      void work();
      return promise.finally(forget);
    },
    close: async () => {
      isClosed = true;
      drop();
    },
  };
};

interface Course {
  readonly answers: Map<CloudEvent, Delivery>;
  /** Subjects with an event that was refused: nothing of theirs goes past it. */
  readonly refused: Set<string>;
  readonly send: (events: readonly CloudEvent[]) => Promise<Sent>;
}

/** Returns what is to be said of those that were not answered. Whoever takes nothing is not asked for the rest. */
const deliverChunks = async (chunks: readonly (readonly CloudEvent[])[], course: Course): Promise<Delivery> => {
  for (const chunk of chunks) {
    const sent = await deliverChunk(chunk, course);
    if (sent.kind === 'unavailable') return unavailable(sent);
  }
  return behind;
};

/** A broker refuses a batch as a whole: whose fault it was shows when each event is sent by itself. */
const deliverChunk = async (chunk: readonly CloudEvent[], course: Course): Promise<Sent> => {
  const { answers, refused, send } = course;
  const events = chunk.filter(({ subject }) => !refused.has(subject));
  if (events.length === 0) return { kind: 'sent' };
  const sent = await send(events);
  if (sent.kind === 'rejected' && events.length > 1) return deliverOneByOne(events, course);
  for (const event of events) answers.set(event, deliveryOf(sent));
  if (sent.kind === 'rejected') for (const { subject } of events) refused.add(subject);
  return sent;
};

const deliverOneByOne = async (events: readonly CloudEvent[], course: Course): Promise<Sent> => {
  for (const event of events) {
    const sent = await deliverChunk([event], course);
    if (sent.kind === 'unavailable') return sent;
  }
  return { kind: 'sent' };
};

const deliveryOf = (sent: Sent): Delivery =>
  sent.kind === 'sent' ? { outcome: 'delivered' } : { outcome: sent.kind, reason: sent.reason };

const chunksOf = (jobs: readonly Job[], topic: string): readonly (readonly CloudEvent[])[] => {
  const chunks: CloudEvent[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const event of jobs.flatMap(({ events }) => events)) {
    const size = bytesOf(messageOf(event, topic));
    if (bytes + size > maxRequestBytes) {
      chunks.push([]);
      bytes = 0;
    }
    chunks.at(-1)?.push(event);
    bytes += size;
  }
  return chunks;
};

/** Until the signal, and no longer than the limit. `forget` takes the traces away. */
const endOf = (signal: AbortSignal, limitMs: number): { readonly ended: AbortSignal; readonly forget: () => void } => {
  const end = new AbortController();
  const abort = () => end.abort();
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(abort, limitMs);
  const forget = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  };
  return { ended: end.signal, forget };
};

/** Ends when the last of them has. */
const allOf = (signals: readonly AbortSignal[]): AbortSignal => {
  const end = new AbortController();
  const look = () => {
    if (signals.every(({ aborted }) => aborted)) end.abort();
  };
  for (const signal of signals) signal.addEventListener('abort', look, { once: true });
  look();
  return end.signal;
};

const beforeEnd = async (sending: Promise<void>, ended: AbortSignal): Promise<void> => {
  // Given up, it fails when its connection is dropped.
  sending.catch(() => undefined);
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(new Error('the time is up'));
  if (ended.aborted) stop();
  ended.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([sending, promise]);
  } finally {
    ended.removeEventListener('abort', stop);
  }
};
