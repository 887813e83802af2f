import { Admin, compatibilityPartitioner, type MessageToProduce, ProduceAcks, Producer } from '@platformatic/kafka';

/** Where Kafka is and how it is spoken to. */
export interface KafkaTarget {
  /** `host:port`, at least one; the others are learnt from it. */
  readonly brokers: readonly string[];
  /** Of `node:tls`. Absent: in clear. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl?: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
    readonly username: string;
    readonly password: string;
  };
}

export interface Limits {
  /** Until a connection stands, name and password included. */
  readonly connectMs: number;
  /** Until a request is answered; then it is sent once more on another connection. */
  readonly answerMs: number;
}

export interface KafkaConnection {
  send(messages: MessageToProduce[]): Promise<void>;
  /** With the broker's own number of partitions and replicas. It is fine where it exists already. */
  createTopic(topic: string): Promise<void>;
  /** At once, with whatever is on its way: an answer that comes later is heard by nobody. */
  drop(): void;
}

/** Attempts with the same sequence numbers: the broker drops a repetition of what it has. Without a number the client repeats for ever. */
const retries = 2;
const retryPauseMs = 200;

/**
 * One life of a producer. It is idempotent only within itself: after a failure that it could not mend its sequence numbers are worth
 * nothing, and what was sent may still arrive. So it is dropped then, and the next one begins with a producer id of its own.
 */
export const openConnection = (target: KafkaTarget, { connectMs, answerMs }: Limits): KafkaConnection => {
  const options = {
    clientId: 'sallyport',
    bootstrapBrokers: [...target.brokers],
    connectTimeout: connectMs,
    requestTimeout: answerMs,
    timeout: answerMs,
    retries,
    retryDelay: retryPauseMs,
    autocreateTopics: false,
    ...(target.tls && { tls: { ...target.tls }, tlsServerName: target.brokers.every(isName) }),
    ...(target.sasl && { sasl: target.sasl }),
  };
  const producer = new Producer({
    ...options,
    idempotent: true,
    acks: ProduceAcks.ALL,
    // As Java's: the same key stands in the same partition, whoever wrote it.
    partitioner: compatibilityPartitioner,
  });
  let admin: Admin | undefined;
  return {
    send: async (messages) => {
      await producer.send({ messages, acks: ProduceAcks.ALL, idempotent: true });
    },
    createTopic: async (topic) => {
      admin ??= new Admin(options);
      await admin.createTopics({ topics: [topic], partitions: -1, replicas: -1 });
    },
    drop: () => {
      for (const client of [producer, admin]) if (client !== undefined) drop(client);
    },
  };
};

/** RFC 6066 §3: a server is told its name, never an address. */
const isName = (broker: string): boolean => !/^(?:[\d.]+|\[.*\]):\d+$/.test(broker);

/** Closing alone waits until what was written has gone out, which a broker that hangs never lets happen. */
const drop = (client: Producer | Admin): void => {
  const sockets = [...client.connections].map(([, connection]) => connection.socket);
  // It fails where the broker is gone already, which is what is wanted.
  client.close().catch(() => undefined);
  for (const socket of sockets) socket?.destroy();
};
