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

export const createKafkaSink = (options: KafkaSinkOptions): EventSink => {
  const { target, topic, createTopic, limits = defaultLimits } = options;
  let connection: KafkaConnection | undefined;
  let isClosed = false;
  /** Deliveries take turns: sequence numbers are given and sent in one order. */
  let turn: Promise<unknown> = Promise.resolve();

  const drop = (): void => {
    connection?.drop();
    connection = undefined;
  };

  const withTopic = async (send: () => Promise<void>): Promise<void> => {
    try {
      await send();
    } catch (error) {
      if (!createTopic || failureOf(error).kind !== 'no_topic') throw error;
      await connection?.createTopic(topic).catch((refusal: unknown) => {
        // Another issuer has been faster.
        if (!isTopicThere(refusal)) throw refusal;
      });
      await send();
    }
  };

  const send = async (events: readonly CloudEvent[], ended: AbortSignal): Promise<Sent> => {
    if (ended.aborted || isClosed) return { kind: 'unavailable', reason: 'Kafka was not asked: the time was up' };
    connection ??= openConnection(target, limits);
    const { send: toBroker } = connection;
    try {
      await untilEnded(
        withTopic(() => toBroker(events.map((event) => messageOf(event, topic)))),
        ended,
      );
      return { kind: 'sent' };
    } catch (error) {
      drop();
      if (error === timeIsUp) return { kind: 'unavailable', reason: 'Kafka has not answered in time' };
      const failure = failureOf(error);
      if (failure.kind !== 'no_topic') return failure;
      const wayOut = 'create it, or set KAFKA_CREATE_TOPIC=on';
      return { kind: 'unavailable', reason: `Kafka has no topic "${topic}": ${wayOut}` };
    }
  };

  const deliver = async (events: readonly CloudEvent[], signal: AbortSignal): Promise<readonly Delivery[]> => {
    const ended = AbortSignal.any([signal, AbortSignal.timeout(limits.deliverMs)]);
    const course: Course = { answers: new Map(), refused: new Set(), send: (some) => send(some, ended) };
    for (const chunk of chunksOf(events, topic)) {
      const sent = await deliverChunk(chunk, course);
      // Whoever takes nothing is not asked for the rest.
      if (sent.kind === 'unavailable') return events.map((event) => course.answers.get(event) ?? unavailable(sent));
    }
    return events.map((event) => course.answers.get(event) ?? behind);
  };

  return {
    name: 'kafka',
    deliver: (events, signal) => {
      const answer = turn.then(() => deliver(events, signal));
      turn = answer.catch(() => undefined);
      return answer;
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

const unavailable = ({ reason }: { readonly reason: string }): Delivery => ({ outcome: 'unavailable', reason });
const behind = unavailable({ reason: 'an earlier event of its subject was not delivered' });

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

const chunksOf = (events: readonly CloudEvent[], topic: string): readonly (readonly CloudEvent[])[] => {
  const chunks: CloudEvent[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const event of events) {
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

const timeIsUp = new Error('the time is up');

const untilEnded = async (work: Promise<void>, ended: AbortSignal): Promise<void> => {
  // It fails later, when its connection is dropped.
  work.catch(() => undefined);
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(timeIsUp);
  if (ended.aborted) stop();
  ended.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    ended.removeEventListener('abort', stop);
  }
};
