import { Consumer, type Message, MessagesStreamFallbackModes, MessagesStreamModes } from '@platformatic/kafka';
import type { ReceivedEvent } from './apply-event.ts';
import type { KafkaPlace } from './kafka-place.ts';

export interface KafkaEventsOptions {
  readonly place: KafkaPlace;
  /** Applied before it is acknowledged. What it throws is tried again. */
  readonly onEvent: (event: ReceivedEvent) => void;
  /** Told why nothing is read at present, once for as long as it is the same. */
  readonly onTrouble: (reason: string) => void;
}

export interface KafkaEvents {
  /** Finishes the event that is being applied; what is not acknowledged comes again. */
  stop(): Promise<void>;
}

const retryPauseMs = 1_000;
const closeLimitMs = 2_000;
/** A consumer that died is missed after this long, and another one takes its partitions. */
const sessionTimeoutMs = 6_000;

/** Reads the topic as one of its group, from the first event that the group has not acknowledged. Goes on for as long as it takes. */
export const readKafkaEvents = (options: KafkaEventsOptions): KafkaEvents => {
  const stopping = new AbortController();
  let told: string | undefined;
  const onEvent = (event: ReceivedEvent): void => {
    options.onEvent(event);
    told = undefined;
  };
  const tell = (error: unknown): void => {
    const reason = reasonOf(error);
    if (reason !== told && !stopping.signal.aborted) options.onTrouble(reason);
    told = reason;
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await readOnce({ ...options, onEvent }, stopping.signal).catch(tell);
      await pause(retryPauseMs, stopping.signal);
    }
  };
  const ended = run();
  return {
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
};

const readOnce = async ({ place, onEvent }: KafkaEventsOptions, stopping: AbortSignal): Promise<void> => {
  const consumer = new Consumer({
    ...place.connection,
    clientId: 'profile-service',
    groupId: place.groupId,
    groupInstanceId: place.memberId,
    autocommit: false,
    maxWaitTime: 500,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: 2 * sessionTimeoutMs,
    heartbeatInterval: sessionTimeoutMs / 5,
    retries: 1,
    retryDelay: 200,
  });
  const close = () => void closeWithin(consumer, closeLimitMs);
  stopping.addEventListener('abort', close, { once: true });
  try {
    const stream = await consumer.consume({
      topics: [place.topic],
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
    });
    for await (const message of stream) {
      if (stopping.aborted) return;
      onEvent(eventOf(message));
      await message.commit();
    }
  } finally {
    stopping.removeEventListener('abort', close);
    await closeWithin(consumer, closeLimitMs);
  }
};

/** The Kafka binding of CloudEvents, binary mode: the type stands in a header, the data is the value. */
const eventOf = ({ headers, value }: Message): ReceivedEvent => {
  const type = [...headers].find(([name]) => name.toString() === 'ce_type')?.[1];
  return { type: type?.toString() ?? '', data: value?.toString() ?? '' };
};

/** The client's errors are trees: what lies at their end says more than what stands at their top. */
const reasonOf = (error: unknown): string => {
  const { message, code, errors, cause } = (error ?? {}) as Partial<Record<keyof AggregateError | 'code', unknown>>;
  const below = Array.isArray(errors) ? errors.at(-1) : cause;
  if (below !== undefined) return reasonOf(below);
  return `${String(message ?? error)}${typeof code === 'string' && !code.startsWith('PLT_') ? ` (${code})` : ''}`;
};

/** It says goodbye to the group, which a broker that is gone never answers. */
const closeWithin = async (consumer: Consumer, limitMs: number): Promise<void> => {
  const sockets = [...consumer.connections].map(([, connection]) => connection.socket);
  const limit = new AbortController();
  await Promise.race([consumer.close(true).catch(() => undefined), pause(limitMs, limit.signal)]);
  limit.abort();
  for (const socket of sockets) socket?.destroy();
};

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
