import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Consumer,
  type Message,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
  stringDeserializers,
} from '@platformatic/kafka';

export interface TopicRecord {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TopicReader {
  /** Each once; those of one partition in the order in which they stand there. */
  readonly records: readonly TopicRecord[];
  stop(): Promise<void>;
}

const retryPauseMs = 200;

/** Reads a topic from its beginning, also where it is made later, and begins again when the broker was gone. */
export const readTopic = (brokers: string, topic: string): TopicReader => {
  const records: TopicRecord[] = [];
  const seen = new Set<string>();
  const take = ({ key, value, headers, partition, offset }: Message<string, string, string, string>): void => {
    const place = `${partition}:${offset}`;
    if (seen.has(place)) return;
    seen.add(place);
    records.push({ key, value, headers: Object.fromEntries(headers) });
  };
  let isStopped = false;
  let consumer: ReturnType<typeof newConsumer> | undefined;
  const read = async (): Promise<void> => {
    while (!isStopped) {
      consumer = newConsumer(brokers);
      try {
        const stream = await consumer.consume({
          topics: [topic],
          mode: MessagesStreamModes.EARLIEST,
          fallbackMode: MessagesStreamFallbackModes.EARLIEST,
        });
        for await (const message of stream) take(message);
      } catch {
        // No broker, or no topic yet.
      }
      await close(consumer);
      if (!isStopped) await sleep(retryPauseMs);
    }
  };
  const reading = read();
  return {
    records,
    stop: async () => {
      isStopped = true;
      if (consumer !== undefined) await close(consumer);
      await reading;
    },
  };
};

/** A group of its own each time: nobody waits until a member that is gone is missed. */
const newConsumer = (brokers: string) =>
  new Consumer<string, string, string, string>({
    clientId: 'reader',
    groupId: randomUUID(),
    bootstrapBrokers: brokers.split(','),
    deserializers: stringDeserializers,
    autocommit: false,
    maxWaitTime: 100,
    retries: 0,
  });

const closeLimitMs = 1000;

const close = async (consumer: ReturnType<typeof newConsumer>): Promise<void> => {
  const sockets = [...consumer.connections].map(([, connection]) => connection.socket);
  await Promise.race([consumer.close(true).catch(() => undefined), sleep(closeLimitMs)]);
  for (const socket of sockets) socket?.destroy();
};
