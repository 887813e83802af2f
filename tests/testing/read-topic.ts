import { randomUUID } from 'node:crypto';
import { Consumer, MessagesStreamFallbackModes, MessagesStreamModes, stringDeserializers } from '@platformatic/kafka';

export interface TopicRecord {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TopicReader {
  /** In the order in which they came; of one partition that is theirs. */
  readonly records: readonly TopicRecord[];
  stop(): Promise<void>;
}

/** Reads a topic from its beginning, for as long as the broker lives. */
export const readTopic = async (brokers: string, topic: string): Promise<TopicReader> => {
  const consumer = new Consumer({
    clientId: 'reader',
    groupId: randomUUID(),
    bootstrapBrokers: brokers.split(','),
    deserializers: stringDeserializers,
    autocommit: false,
    maxWaitTime: 100,
  });
  const stream = await consumer.consume({
    topics: [topic],
    mode: MessagesStreamModes.EARLIEST,
    fallbackMode: MessagesStreamFallbackModes.EARLIEST,
  });
  const records: TopicRecord[] = [];
  const reading = (async () => {
    for await (const { key, value, headers } of stream) {
      records.push({ key, value, headers: Object.fromEntries(headers) });
    }
  })().catch(() => undefined);
  return {
    records,
    stop: async () => {
      await consumer.close(true);
      await reading;
    },
  };
};
