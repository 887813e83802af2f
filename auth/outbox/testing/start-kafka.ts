/**
 * A Kafka broker of a test's own: KRaft, one node, on free ports of the loopback, with its data in a new folder. Never somebody's.
 * Small: it starts in two to three seconds and stays below 300 MB.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasJava, hasKafkaJars, kafkaJars } from './kafka-jars.ts';

export interface KafkaServer {
  /** `127.0.0.1:<port>`, as `KAFKA_BROKERS` takes it. */
  readonly brokers: string;
  /** Ends it as a crash of the machine does; its ports stay its own. */
  kill(): Promise<void>;
  /** Ends it as an operator does. */
  shutDown(): Promise<void>;
  /** Starts it again on the same ports, with everything that it had acknowledged. */
  restart(): Promise<void>;
  /** It stays connected and answers nothing. */
  freeze(): Promise<void>;
  thaw(): void;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

export interface KafkaOptions {
  /** Of the broker, over those that make it quick: `{ 'message.max.bytes': '4096' }`. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Properties of the listener that clients reach. Default `PLAINTEXT`. */
  readonly protocol?: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  /** SCRAM users, as `SCRAM-SHA-256=[name=ada,password=…]`. */
  readonly users?: readonly string[];
}

/** Whether a test that needs it has to be skipped. Throws where it may not be. */
export const isKafkaMissing = (): boolean => {
  const missing = !hasJava() || !hasKafkaJars();
  if (missing && process.env['SALLYPORT_REQUIRE_SERVICES'] === '1') throw new Error('Kafka is missing');
  if (missing) process.stderr.write('MISSING: kafka: events that leave through Kafka are not tested\n');
  return missing;
};

const startLimitMs = 60_000;
const stopLimitMs = 20_000;
/** No optimising compiler: what a test asks of it is over before that pays. */
const javaArgs = ['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
};

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
  });

const propertiesOf = (port: number, controller: number, folder: string, options: KafkaOptions): string => {
  const protocol = options.protocol ?? 'PLAINTEXT';
  const all = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `CLIENT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `CLIENT://127.0.0.1:${port}`,
    'listener.security.protocol.map': `CLIENT:${protocol},CONTROLLER:PLAINTEXT`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'CLIENT',
    'log.dirs': join(folder, 'data'),
    'num.partitions': '3',
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    // One that was killed is let in again when its session of before has ended: nine seconds by default.
    'broker.session.timeout.ms': '1000',
    'broker.heartbeat.interval.ms': '200',
    'num.network.threads': '1',
    'num.io.threads': '2',
    ...options.properties,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
};

/** Every broker that this process has started and not ended: a test run that dies takes them along. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export const startKafka = async (options: KafkaOptions = {}): Promise<KafkaServer> => {
  const [port, controller] = [await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-kafka-'));
  const settings = join(folder, 'server.properties');
  writeFileSync(settings, propertiesOf(port, controller, folder, options));
  format(settings, options.users ?? []);
  const start = () => run(port, folder, settings);
  let child = await start();
  return {
    brokers: `127.0.0.1:${port}`,
    kill: () => end(child, 'SIGKILL'),
    shutDown: () => end(child, 'SIGTERM'),
    restart: async () => {
      child = await start();
    },
    freeze: async () => {
      child.kill('SIGSTOP');
      while (!hasStopped(child.pid ?? 0)) await sleep(1);
    },
    thaw: () => void child.kill('SIGCONT'),
    stop: async () => {
      await end(child, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const java = (main: string, args: readonly string[]): readonly string[] => [
  ...javaArgs,
  '-cp',
  join(kafkaJars(), '*'),
  main,
  ...args,
];

/** KRaft wants its folder prepared once. */
const format = (settings: string, users: readonly string[]): void => {
  // A first byte that no `-` comes of: it would be read as another option.
  const id = Buffer.concat([Buffer.of(0), randomBytes(15)]).toString('base64url');
  const added = users.flatMap((user) => ['--add-scram', user]);
  execFileSync('java', java('kafka.tools.StorageTool', ['format', '-t', id, '-c', settings, ...added]), {
    stdio: 'pipe',
  });
};

const run = async (port: number, folder: string, settings: string): Promise<ChildProcess> => {
  const child = spawn('java', java('kafka.Kafka', [settings]), { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000);
    });
  }
  running.add(child);
  child.once('exit', () => running.delete(child));
  const until = Date.now() + startLimitMs;
  while (!(await isOpen(port))) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`Kafka did not start: ${said}`);
    await sleep(25);
  }
  return child;
};

const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  // One that hangs takes nothing else.
  const limit = setTimeout(() => child.kill('SIGKILL'), stopLimitMs);
  await ended;
  clearTimeout(limit);
};

/** A thread that runs when the signal comes goes on for a moment, and answers what comes then. */
const hasStopped = (pid: number): boolean => {
  const tasks = `/proc/${pid}/task`;
  return !existsSync(tasks) || readdirSync(tasks).every((task) => /\) [TtZX] /.test(stateOf(`${tasks}/${task}/stat`)));
};

const stateOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // The thread has ended.
    return ') X ';
  }
};

export interface KafkaBrokers {
  readonly brokers: string;
  /** Nobody else's. */
  readonly topic: string;
  /** Undefined: it is somebody else's, whom nobody kills. */
  readonly own: KafkaServer | undefined;
  stop(): Promise<void>;
}

/** The same for a test that is content with `TEST_KAFKA_BROKERS`. */
export const isAnyKafkaMissing = (): boolean => process.env['TEST_KAFKA_BROKERS'] === undefined && isKafkaMissing();

/** Somebody's brokers for tests (`TEST_KAFKA_BROKERS`), where each test makes topics of its own, else one of the test's own. */
export const anyKafka = async (): Promise<KafkaBrokers> => {
  const brokers = process.env['TEST_KAFKA_BROKERS'];
  const topic = `test-${randomBytes(6).toString('hex')}`;
  if (brokers !== undefined) return { brokers, topic, own: undefined, stop: async () => undefined };
  const own = await startKafka();
  return { brokers: own.brokers, topic: 'user-events', own, stop: own.stop };
};
