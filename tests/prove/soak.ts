/**
 * Logins, refreshes, verified requests through the gateway and logouts, mixed at a steady rate, at a real issuer and a real gateway:
 * no error, and memory that does not grow. What is measured is the memory after a garbage collection that is asked for, with the load
 * held back for a moment: what a process still holds then, it holds for good.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { ChildServer } from '../testing/child-server.ts';
import { freePort } from '../testing/free-ports.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { issuerFolder, startIssuer } from '../testing/issuer.ts';
import { newInstallation, startGateway } from '../testing/microservices.ts';
import { login, newPerson, type Person, register, type Tokens, tokensOf } from '../testing/people.ts';
import { percentile } from './rank.ts';
import { type Sabotage, sabotagedIssuer } from './sabotaged-issuer.ts';

export interface SoakOptions {
  readonly minutes: number;
  /** Requests of all kinds together. */
  readonly perSecond?: number;
  readonly random: () => number;
  /** Names the store where it is no SQLite file. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Another issuer than this repository's own. */
  readonly main?: string;
}

interface Memory {
  readonly rssMiB: number;
  readonly heapMiB: number;
}

interface Reading extends Memory {
  /** Of the event loop, since the reading before: the metric begins anew with each. */
  readonly loopDelayP99Ms: number;
}

export interface ServerMemory {
  /** At the middle and at the end. */
  readonly middle: Memory;
  readonly end: Memory;
  /** Least squares over the second half. */
  readonly rssMiBPerMinute: number;
  readonly heapMiBPerMinute: number;
  /** The median of what the readings say, each of the time since the one before. */
  readonly loopDelayP99Ms: number;
}

export interface Soak {
  readonly minutes: number;
  readonly requests: Readonly<Record<Kind, number>>;
  readonly p99Ms: Readonly<Record<Kind, number>>;
  readonly errors: number;
  readonly examples: readonly string[];
  readonly boundRssMiBPerMinute: number;
  readonly boundHeapMiBPerMinute: number;
  readonly issuer: ServerMemory;
  readonly gateway: ServerMemory;
  readonly passed: boolean;
}

const kinds = ['login', 'refresh', 'verify', 'logout'] as const;
type Kind = (typeof kinds)[number];

/** Of twenty requests one is a login and one a logout, so the number of sessions stays. */
const cycle: readonly Kind[] = Array.from({ length: 20 }, (_, place) =>
  place === 4 ? 'login' : place === 14 ? 'logout' : place % 4 === 1 ? 'refresh' : 'verify',
);

/** What lasts grows without end, at a rate; what is left of a heap and an allocator that settle is less. */
const boundRssMiBPerMinute = 4;
const boundHeapMiBPerMinute = 0.5;
const people = 20;
const sessionsPerPerson = 5;
/** More than fit into the verified-token cache (16 MiB), each used often enough to stay there. */
const cachedTokens = 6000;
const usesOfToken = 3;
const fillers = 8;
const samples = 24;
const settleMs = 300;
const maxExamples = 5;
const mebibyte = 2 ** 20;
/** What the histogram of the event loop samples at (kit/metrics.ts): an idle loop reads this, so it is taken off. */
const loopSamplingMs = 10;

export const soak = async ({ minutes, perSecond = 100, random, settings = {}, main }: SoakOptions): Promise<Soak> => {
  const installation = newInstallation(issuerFolder());
  const service = createServer((_, response) => response.end('{}'));
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const ports = [await freePort(), await freePort()] as const;
  const inspected = (port: number) => ({ NODE_OPTIONS: `--inspect=127.0.0.1:${port}` });
  const issuer = await startIssuer(
    { REFRESH_ROTATION: 'on', LOG_LEVEL: 'warn', ...inspected(ports[0]), ...settings },
    installation.folder,
    main,
  );
  const gateway = await startGateway(installation, {
    AUTH_SERVICE_URL: issuer.url,
    REVOCATION_FEED_URL: issuer.privateUrl,
    USER_SERVICE_URL: `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
    LOG_LEVEL: 'warn',
    // The garbage of one thread can be asked for.
    GATEWAY_WORKERS: '1',
    ...inspected(ports[1]),
  });
  const collectors = await Promise.all(ports.map(openCollector));
  try {
    const load = await createLoad(httpClient(issuer.url), httpClient(gateway.url), perSecond, random);
    await load.fillCaches();
    const readings: (readonly [Reading, Reading])[] = [];
    const sampleMs = (minutes * 60_000) / samples;
    for (let sample = 0; sample < samples; sample += 1) {
      await load.run(sampleMs - settleMs);
      await sleep(settleMs);
      await Promise.all(collectors.map((collector) => collector.collect()));
      readings.push([await readingOf(issuer), await readingOf(gateway)]);
    }
    const ofIssuer = summary(
      readings.map(([reading]) => reading),
      minutes / samples,
    );
    const ofGateway = summary(
      readings.map(([, reading]) => reading),
      minutes / samples,
    );
    const flat = [ofIssuer, ofGateway].every(
      ({ rssMiBPerMinute, heapMiBPerMinute }) =>
        rssMiBPerMinute <= boundRssMiBPerMinute && heapMiBPerMinute <= boundHeapMiBPerMinute,
    );
    const { requests, p99Ms, errors, examples } = load.result();
    return {
      minutes,
      requests,
      p99Ms,
      errors,
      examples,
      boundRssMiBPerMinute,
      boundHeapMiBPerMinute,
      issuer: ofIssuer,
      gateway: ofGateway,
      passed: errors === 0 && flat,
    };
  } finally {
    for (const collector of collectors) collector.close();
    await gateway.stop();
    await issuer.remove();
    service.closeAllConnections();
    service.close();
  }
};

const leak: Sabotage = {
  file: 'refresh/refresh.ts',
  find: '    await options.unsettled.settle();\n',
  replace: `    await options.unsettled.settle();
    ((globalThis as { kept?: Buffer[] }).kept ??= []).push(Buffer.alloc(16_384, 1));\n`,
};

export interface ProvenSoak extends Soak {
  /** An issuer that keeps 16 KiB for each refresh, for a quarter of the time: it has to be noticed. */
  readonly leaking: ServerMemory;
}

export const provenSoak = async (options: SoakOptions): Promise<ProvenSoak> => {
  const result = await soak(options);
  const copy = sabotagedIssuer(leak);
  try {
    const main = pathToFileURL(copy.entry).href;
    const { issuer: leaking } = await soak({ ...options, minutes: Math.max(0.5, options.minutes / 4), main });
    const noticed = leaking.rssMiBPerMinute > boundRssMiBPerMinute;
    return { ...result, leaking, passed: result.passed && noticed };
  } finally {
    copy.remove();
  }
};

interface Session extends Tokens {
  readonly person: Person;
}

const createLoad = async (issuer: Call, gateway: Call, perSecond: number, random: () => number) => {
  const persons = Array.from({ length: people }, () => newPerson());
  const sessions: Session[] = [];
  for (const person of persons) {
    await register(issuer, person);
    for (let count = 0; count < sessionsPerPerson; count += 1)
      sessions.push({ ...(await login(issuer, person)), person });
  }
  const latencies: Record<Kind, number[]> = { login: [], refresh: [], verify: [], logout: [] };
  const examples: string[] = [];
  let errors = 0;
  const expectOk = (kind: Kind, { status, text }: Answer): boolean => {
    if (status === 200) return true;
    errors += 1;
    if (examples.length < maxExamples) examples.push(`${kind}: ${status} ${text.slice(0, 200)}`);
    return false;
  };
  /** Whoever uses a session has it for himself: what several tabs do is another proof's. */
  const take = (): Session | undefined => sessions.splice(Math.floor(random() * sessions.length), 1)[0];
  const acts: Readonly<Record<Kind, () => Promise<void>>> = {
    login: async () => {
      const person = persons[Math.floor(random() * people)] ?? newPerson();
      const { email, password } = person;
      const answer = await issuer('POST', '/auth/login', { body: { email, password } });
      if (expectOk('login', answer)) sessions.push({ ...tokensOf(answer), person });
    },
    refresh: async () => {
      const session = take();
      if (session === undefined) return;
      const answer = await issuer('POST', '/auth/refresh', { body: { refresh_token: session.refresh } });
      if (expectOk('refresh', answer)) sessions.push({ ...session, ...tokensOf(answer) });
    },
    verify: async () => {
      const session = take();
      if (session === undefined) return;
      expectOk('verify', await gateway('GET', '/api/v1/users/me', { bearer: session.access }));
      sessions.push(session);
    },
    logout: async () => {
      const session = take();
      if (session === undefined) return;
      expectOk('logout', await issuer('POST', '/auth/logout', { body: { refresh_token: session.refresh } }));
    },
  };
  const act = async (kind: Kind): Promise<void> => {
    const started = performance.now();
    await acts[kind]();
    latencies[kind].push(performance.now() - started);
  };
  let turn = 0;
  const refreshTimes = async (count: number): Promise<void> => {
    for (let refreshed = 0; refreshed < count; refreshed += 1) {
      const session = take();
      if (session === undefined) throw new Error('no session is left');
      const answer = await issuer('POST', '/auth/refresh', { body: { refresh_token: session.refresh } });
      if (!expectOk('refresh', answer)) continue;
      const { access: bearer, ...tokens } = tokensOf(answer);
      for (let uses = 0; uses < usesOfToken; uses += 1) await gateway('GET', '/api/v1/users/me', { bearer });
      sessions.push({ ...session, ...tokens, access: bearer });
    }
  };
  return {
    /** What is kept up to a limit is brought to its limit first, or it would look like what has none. */
    fillCaches: async (): Promise<void> => {
      await Promise.all(Array.from({ length: fillers }, () => refreshTimes(cachedTokens / fillers)));
    },
    /** Open loop: what is due is sent, whether the one before has been answered or not. Ends when all are answered. */
    run: async (forMs: number): Promise<void> => {
      const underWay: Promise<void>[] = [];
      const started = performance.now();
      for (let sent = 0; performance.now() - started < forMs; sent += 1) {
        underWay.push(act(cycle[turn++ % cycle.length] ?? 'verify'));
        await sleep(Math.max(0, started + ((sent + 1) * 1000) / perSecond - performance.now()));
      }
      await Promise.all(underWay);
    },
    result: () => ({
      requests: each((kind) => latencies[kind].length),
      p99Ms: each((kind) => rounded(percentile(latencies[kind], 0.99))),
      errors,
      examples,
    }),
  };
};

const each = (of: (kind: Kind) => number): Record<Kind, number> => ({
  login: of('login'),
  refresh: of('refresh'),
  verify: of('verify'),
  logout: of('logout'),
});

const rounded = (value: number): number => Math.round(value * 100) / 100;

const readingOf = async ({ privateUrl }: ChildServer): Promise<Reading> => {
  const text = await (await fetch(`${privateUrl}/metrics`)).text();
  // With the labels of a thread, or without.
  const read = (name: string): number => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    rssMiB: rounded(read('process_resident_memory_bytes') / mebibyte),
    heapMiB: rounded(read('nodejs_heap_size_used_bytes') / mebibyte),
    loopDelayP99Ms: rounded(read('nodejs_eventloop_lag_p99_seconds') * 1000 - loopSamplingMs),
  };
};

const summary = (readings: readonly Reading[], minutesPerSample: number): ServerMemory => {
  const second = readings.slice(readings.length / 2);
  const perMinute = (of: (reading: Reading) => number) => rounded(slope(second.map(of)) / minutesPerSample);
  const [middle, end] = [second[0], second.at(-1)];
  if (middle === undefined || end === undefined) throw new Error('too few samples');
  return {
    middle: { rssMiB: middle.rssMiB, heapMiB: middle.heapMiB },
    end: { rssMiB: end.rssMiB, heapMiB: end.heapMiB },
    rssMiBPerMinute: perMinute(({ rssMiB }) => rssMiB),
    heapMiBPerMinute: perMinute(({ heapMiB }) => heapMiB),
    loopDelayP99Ms: percentile(
      readings.map(({ loopDelayP99Ms }) => loopDelayP99Ms),
      0.5,
    ),
  };
};

/** Growth from one value to the next, by least squares. */
const slope = (values: readonly number[]): number => {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const above = values.reduce((sum, value, place) => sum + (place - middle) * (value - mean), 0);
  return above / values.reduce((sum, _, place) => sum + (place - middle) ** 2, 0);
};

interface Collector {
  /** Asks the process to collect its garbage, and waits until it has. */
  collect(): Promise<void>;
  close(): void;
}

/** By the inspector's protocol: a server has no door for this, and is to have none. */
const openCollector = async (port: number): Promise<Collector> => {
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error('the inspector does not answer')), { once: true });
  });
  let id = 0;
  const send = (method: string): Promise<void> =>
    new Promise((resolve) => {
      id += 1;
      const own = id;
      const hear = ({ data }: MessageEvent): void => {
        if ((JSON.parse(String(data)) as { readonly id?: number }).id !== own) return;
        socket.removeEventListener('message', hear);
        resolve();
      };
      socket.addEventListener('message', hear);
      socket.send(JSON.stringify({ id: own, method }));
    });
  return {
    // Twice: what the first one finalises, the second one takes.
    collect: async () => {
      await send('HeapProfiler.collectGarbage');
      await send('HeapProfiler.collectGarbage');
    },
    close: () => socket.close(),
  };
};
