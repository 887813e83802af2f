import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Consumer, MessagesStreamFallbackModes, MessagesStreamModes, stringDeserializers } from '@platformatic/kafka';
import { sabotagedIssuer } from '@sallyport/tests/prove/sabotaged-issuer';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type LossyProxy, startLossyProxy } from '../testing/lossy-proxy.ts';
import { isKafkaMissing, type KafkaServer, startKafka } from '../testing/start-kafka.ts';
import { createKafkaSink } from './kafka.ts';
import type { CloudEvent, Delivery, EventSink } from './sink.ts';

const event = (subject: string, data: object = {}): CloudEvent => ({
  specversion: '1.0',
  id: randomUUID(),
  type: 'USER_CREATED',
  source: '/auth',
  subject,
  time: '2026-01-02T03:04:05.678Z',
  datacontenttype: 'application/json',
  dataschema: 'https://example.org/user-created/1',
  extensions: { realmid: 'main' },
  data: JSON.stringify({ user_id: subject, ...data }),
});

interface Read {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly partition: number;
}

/** The records of the topic from its beginning until they are enough. */
const readTopic = async (brokers: string, topic: string, isEnough: (records: readonly Read[]) => boolean) => {
  const consumer = new Consumer({
    clientId: 'reader',
    groupId: randomUUID(),
    bootstrapBrokers: [brokers],
    deserializers: stringDeserializers,
  });
  const stream = await consumer.consume({
    topics: [topic],
    mode: MessagesStreamModes.EARLIEST,
    fallbackMode: MessagesStreamFallbackModes.EARLIEST,
    maxWaitTime: 100,
    autocommit: false,
  });
  const records: Read[] = [];
  const giveUp = setTimeout(() => void stream.close(), 15_000);
  for await (const { key, value, headers, partition } of stream) {
    records.push({ key, value, headers: Object.fromEntries(headers), partition });
    if (isEnough(records)) break;
  }
  clearTimeout(giveUp);
  await consumer.close(true);
  return records;
};

const never = new AbortController().signal;
const delivered: Delivery = { outcome: 'delivered' };

describe.skipIf(isKafkaMissing())('the Kafka sink', () => {
  let kafka: KafkaServer;
  let proxy: LossyProxy;
  const sinks: EventSink[] = [];
  const open = (topic: string, options: Partial<Parameters<typeof createKafkaSink>[0]> = {}): EventSink => {
    const sink = createKafkaSink({ target: { brokers: [kafka.brokers] }, topic, createTopic: true, ...options });
    sinks.push(sink);
    return sink;
  };

  beforeAll(async () => {
    proxy = await startLossyProxy();
    kafka = await startKafka({ properties: { 'advertised.listeners': `CLIENT://127.0.0.1:${proxy.port}` } });
    proxy.lead(Number(kafka.brokers.split(':')[1]));
  }, 60_000);
  afterEach(async () => {
    for (const sink of sinks.splice(0)) await sink.close();
  });
  afterAll(async () => {
    await proxy?.close();
    await kafka?.stop();
  });

  it('writes CloudEvents in binary mode, keyed by the user, in order', async () => {
    const sink = open('binary');
    const events = Array.from({ length: 60 }, (_, index) => event(`user-${index % 7}`, { index }));
    expect(await sink.deliver(events, never)).toEqual(events.map(() => delivered));
    const records = await readTopic(kafka.brokers, 'binary', ({ length }) => length >= events.length);
    expect(records).toHaveLength(events.length);
    const { id, data, subject } = events[0] as CloudEvent;
    expect(records.find(({ headers }) => headers['ce_id'] === id)).toMatchObject({
      key: subject,
      value: data,
      headers: {
        ce_specversion: '1.0',
        ce_type: 'USER_CREATED',
        ce_source: '/auth',
        ce_subject: subject,
        ce_time: '2026-01-02T03:04:05.678Z',
        ce_dataschema: 'https://example.org/user-created/1',
        ce_realmid: 'main',
        'content-type': 'application/json',
      },
    });
    for (const user of new Set(events.map((each) => each.subject))) {
      const ofUser = records.filter(({ key }) => key === user);
      expect(ofUser.map(({ headers }) => headers['ce_id'])).toEqual(
        events.filter((each) => each.subject === user).map((each) => each.id),
      );
      expect(new Set(ofUser.map(({ partition }) => partition)).size).toBe(1);
    }
    expect(new Set(records.map(({ partition }) => partition)).size).toBeGreaterThan(1);
  });

  it('says which topic is missing, and how to come by it', async () => {
    const [answer] = await open('nowhere', { createTopic: false }).deliver([event('ada')], never);
    expect(answer).toEqual({
      outcome: 'unavailable',
      reason: 'Kafka has no topic "nowhere": create it, or set KAFKA_CREATE_TOPIC=on',
    });
  });

  it('refuses what is too large alone, and lets nothing of that user past it', async () => {
    const sink = open('large');
    const tooLarge = event('ada', { text: 'x'.repeat(1_200_000) });
    const events = [event('ada'), event('bob'), tooLarge, event('bob'), event('ada'), event('eve')];
    const outcomes = (await sink.deliver(events, never)).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['delivered', 'delivered', 'rejected', 'delivered', 'unavailable', 'delivered']);
    const [answer] = await sink.deliver([tooLarge], never);
    expect(answer).toEqual({ outcome: 'rejected', reason: 'Kafka refuses it: MESSAGE_TOO_LARGE' });
    expect(await sink.deliver([event('ada')], never)).toEqual([delivered]);
  });

  /** How often each of two events stands in the topic after the answer to them was lost with its connection. */
  const afterLostAnswer = async (topic: string, create: typeof createKafkaSink): Promise<readonly number[]> => {
    const sink = create({ target: { brokers: [kafka.brokers] }, topic, createTopic: true });
    sinks.push(sink);
    expect(await sink.deliver([event('ada')], never)).toEqual([delivered]);
    const events = [event('ada'), event('ada')];
    proxy.loseNextAnswer();
    expect(await sink.deliver(events, never)).toEqual([delivered, delivered]);
    const last = event('ada');
    expect(await sink.deliver([last], never)).toEqual([delivered]);
    const idOf = ({ headers }: Read) => headers['ce_id'];
    const records = await readTopic(kafka.brokers, topic, (all) => all.some((each) => idOf(each) === last.id));
    return events.map(({ id }) => records.filter((each) => idOf(each) === id).length);
  };

  it('writes once what a broken connection made it send twice', async () => {
    expect(await afterLostAnswer('lost-answer', createKafkaSink)).toEqual([1, 1]);
  });

  it('which is the work of the sequence numbers: without them it stands there twice', async () => {
    const broken = sabotagedIssuer({
      file: 'outbox/sinks/kafka/connection.ts',
      find: 'acks: ProduceAcks.ALL, idempotent: true })',
      replace: 'acks: ProduceAcks.ALL, idempotent: false })',
    });
    try {
      const path = pathToFileURL(join(dirname(broken.entry), 'outbox/sinks/kafka.ts')).href;
      const { createKafkaSink: create } = (await import(path)) as typeof import('./kafka.ts');
      expect(await afterLostAnswer('lost-answer-twin', create)).toEqual([2, 2]);
    } finally {
      broken.remove();
    }
  });

  it('answers in time where no broker is, and delivers once there is one', async () => {
    const sink = open('down');
    expect(await sink.deliver([event('ada')], never)).toEqual([delivered]);
    await kafka.kill();
    const [answer] = await sink.deliver([event('ada')], never);
    expect(answer).toEqual({
      outcome: 'unavailable',
      reason: expect.stringMatching(/^Kafka (?:cannot be reached|does not take it) \(/),
    });
    const begunLater = open('down');
    expect((await begunLater.deliver([event('ada')], never))[0]?.outcome).toBe('unavailable');
    await kafka.restart();
    await expect.poll(() => begunLater.deliver([event('ada')], never), { timeout: 15_000 }).toEqual([delivered]);
    await expect.poll(() => sink.deliver([event('ada')], never), { timeout: 15_000 }).toEqual([delivered]);
  }, 60_000);

  it('waits no longer than it says for a broker that hangs, and what it sent meanwhile harms no order', async () => {
    const [first, second] = [event('ada', { n: 1 }), event('ada', { n: 2 })];
    expect(await open('hang').deliver([event('bob')], never)).toEqual([delivered]);
    const sink = open('hang', { limits: { connectMs: 1000, answerMs: 400, deliverMs: 1500 } });
    await expect.poll(() => sink.deliver([event('bob')], never), { timeout: 15_000 }).toEqual([delivered]);
    await kafka.freeze();
    const started = performance.now();
    // Others wait beside it: all of them together are one wait.
    const others = Promise.all(Array.from({ length: 40 }, (_, index) => sink.deliver([event(`user-${index}`)], never)));
    const answers = await sink.deliver([first, second], never);
    expect(answers.map(({ outcome }) => outcome)).toEqual(['unavailable', 'unavailable']);
    expect(new Set((await others).flat().map(({ outcome }) => outcome))).toEqual(new Set(['unavailable']));
    expect(performance.now() - started).toBeLessThan(20_000);
    const aborted = new AbortController();
    setTimeout(() => aborted.abort(), 50);
    expect((await sink.deliver([first], aborted.signal))[0]?.outcome).toBe('unavailable');
    kafka.thaw();
    await expect.poll(() => sink.deliver([first, second], never), { timeout: 15_000 }).toEqual([delivered, delivered]);
    expect(await sink.deliver([event('ada', { n: 3 })], never)).toEqual([delivered]);
    const numberOf = ({ value }: Read) => (JSON.parse(value) as { n?: number }).n;
    const records = await readTopic(kafka.brokers, 'hang', (all) => all.some((each) => numberOf(each) === 3));
    const ofAda = records.filter(({ key }) => key === 'ada').map(numberOf);
    // Some stand there twice; the first of each is in order.
    expect([...new Set(ofAda)]).toEqual([1, 2, 3]);
  }, 60_000);

  it('is closed at once, whatever is under way', async () => {
    const sink = open('closing');
    expect(await sink.deliver([event('ada')], never)).toEqual([delivered]);
    await kafka.freeze();
    const underWay = sink.deliver([event('ada')], never);
    await sleep(50);
    await sink.close();
    await sink.close();
    expect((await underWay)[0]?.outcome).toBe('unavailable');
    kafka.thaw();
    expect((await sink.deliver([event('ada')], never))[0]?.outcome).toBe('unavailable');
  });
});
