/**
 * `npm run prove -- <name> [count]`: the properties at the counts that an issue names. Prints the seed and one JSON object.
 * `npm test` runs the same functions at small counts (`prove.test.ts`).
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { assertionTargets } from './assertion-targets.ts';
import { auditStoreGone } from './audit-store-gone.ts';
import { diskWaits } from './disk-waits.ts';
import { type EventTarget, webhookTarget } from './events/event-target.ts';
import { provenEvents } from './events/events.ts';
import { kafkaLatency } from './events/kafka-latency.ts';
import { kafkaTarget } from './events/kafka-target.ts';
import { registrationLatency } from './events/registration-latency.ts';
import { gatewaySigterm } from './gateway/gateway-sigterm.ts';
import { routeChange } from './gateway/route-change.ts';
import { slowSockets } from './gateway/slow-sockets.ts';
import { upstreamRestart } from './gateway/upstream-restart.ts';
import { importUsers } from './import-users.ts';
import { provenInterleavings } from './interleavings/interleavings.ts';
import { provenKeyRotation } from './key-rotation.ts';
import { killUnderLoad } from './kill-under-load.ts';
import { provenLoginStorm } from './login-storm.ts';
import { loopDelay } from './loop-delay.ts';
import { missedRevocations } from './missed-revocations.ts';
import { onStore, type StoreName, storeNames } from './on-store.ts';
import { partsSigterm } from './parts-sigterm.ts';
import { proofReplays } from './proof-replays.ts';
import { refreshProtocol } from './refresh-protocol.ts';
import { refreshStorm } from './refresh-storm.ts';
import { restoredBackup } from './restored-backup.ts';
import { revocationLag } from './revocation-lag.ts';
import { provenSecretRotation } from './secret-rotation.ts';
import { seeded } from './seeded.ts';
import { runSnippets } from './snippets.ts';
import { provenSoak } from './soak.ts';
import { storeGone } from './store-gone.ts';
import { provenTabStorm } from './tab-storm.ts';
import { loginTiming } from './timing.ts';

interface Proof {
  readonly about: string;
  run(seed: number, count: number | undefined, store: StoreName): Promise<object>;
}

const proofs: Readonly<Record<string, Proof>> = {
  'refresh-storm': {
    about: '50 parallel refreshes of one token, 100 rounds, two issuers on one store',
    run: (_, rounds = 100, store) => onStore(store, ({ settings }) => refreshStorm({ rounds, parallel: 50, settings })),
  },
  'key-rotation': {
    about:
      'keys that turn every 5 s for 5 min at 300 requests a second over two issuers, two gateways and a service that verifies',
    run: (_, seconds = 300, store) =>
      onStore(store, ({ settings }) => provenKeyRotation({ seconds, perSecond: 300, everySeconds: 5, settings })),
  },
  'secret-rotation': {
    about:
      'every other secret replaced under load, as docs/keys.md says, over two issuers and two gateways that are restarted; rounds for 120 s',
    run: (_, seconds = 120, store) =>
      onStore(store, ({ settings }) => provenSecretRotation({ seconds, perSecond: 60, settings })),
  },
  'import-users': {
    about: '100,000 accounts with hashes of another system are imported; the import is killed on the way and run again',
    run: (_, users = 100_000, store) => onStore(store, ({ settings }) => importUsers({ users, settings })),
  },
  'kill-issuer': {
    about: 'kill -9 of the issuer 50 times under refresh load, on one store',
    run: (seed, kills = 50, name) =>
      onStore(name, (store) => killUnderLoad({ kills, sessions: 16, random: seeded(seed), store })),
  },
  'kill-store': {
    about: 'kill -9 of PostgreSQL, or of the Redis with the sessions, 20 times under refresh load',
    run: (seed, kills = 20, name) =>
      onStore(name, (store) => killUnderLoad({ kills, sessions: 16, random: seeded(seed), store, victim: 'store' })),
  },
  'restored-backup': {
    about: 'a backup is taken under load and put back after a kill -9: no token of before is accepted',
    run: (seed, seconds = 10, name) =>
      onStore(name, (store) => restoredBackup({ sessions: 16, seconds, random: seeded(seed), store })),
  },
  'store-gone': {
    about: 'PostgreSQL, or the Redis with the sessions, is gone for 60 s under load, killed and then hung',
    run: (_, seconds = 60, name) =>
      onStore(name, async (store) => ({
        killed: await storeGone({ store, outage: 'killed', seconds, sessions: 16 }),
        hung: await storeGone({ store, outage: 'hung', seconds, sessions: 16 }),
      })),
  },
  'audit-store-gone': {
    about:
      'the MariaDB with the audit is gone for 60 s under logins, killed and hung, and the issuer is killed meanwhile',
    run: async (_, seconds = 60) => ({
      spooled: await auditStoreGone({ mode: 'spooled', outage: 'killed', seconds }),
      hung: await auditStoreGone({ mode: 'spooled', outage: 'hung', seconds }),
      writeAhead: await auditStoreGone({ mode: 'write-ahead', outage: 'killed', seconds }),
    }),
  },
  'proof-replays': {
    about: '1,000 proofs of possession, each 16 times at once: over two threads, two gateways with Redis, two issuers',
    run: (_, count = 1000) => proofReplays(count),
  },
  'disk-waits': {
    about: 'fsyncs seen by strace against acknowledged batches',
    run: (_, seconds = 5) => diskWaits({ seconds, sessions: 32 }),
  },
  'loop-delay': {
    about: "the issuer's event-loop delay at 1,000 refreshes a second, and saturated",
    run: async (_, seconds = 15) => ({
      steady: await loopDelay({ seconds, sessions: 32, perSecond: 1000 }),
      saturated: await loopDelay({ seconds, sessions: 32 }),
    }),
  },
  timing: {
    about:
      'whether the time of a refused login tells why, 4,000 interleaved pairs (takes 15 min; wants an idle machine)',
    run: (seed, pairs = 4000) => loginTiming({ ...timingCounts(pairs), random: seeded(seed) }),
  },
  'login-storm': {
    about:
      '100 parallel logins, Argon2id and bcrypt 12, beside 20 refreshes and 50 verifies a second (wants an idle machine)',
    run: (_, seconds = 20) => provenLoginStorm({ seconds, parallel: 100 }),
  },
  'tab-storm': {
    about: '1,000 browsers with 5 tabs each refresh at once and lose answers, in body and in cookie transport',
    run: (seed, sessions = 1000) => provenTabStorm(sessions, seeded(seed)),
  },
  'revocation-lag': {
    about: 'from the answer of a logout to the first refusal at the gateway, 200 trials',
    run: (_, trials = 200) => revocationLag({ trials }),
  },
  'assertion-targets': {
    about:
      '20,000 random request targets through the gateway to all five adapters, and as many others with their assertions',
    run: (seed, targets = 20_000) => assertionTargets({ targets, seed }),
  },
  events: {
    about:
      '1,000 registrations over two issuers, three relays and a webhook receiver: a kill -9 for every hundred, a receiver that leaves, a relay that stands still',
    run: (seed, registrations = 1000, name) => events(seed, registrations, name, webhookTarget),
  },
  'events-kafka': {
    about:
      '10,000 registrations over two issuers and three relays to a Kafka broker; 100 kill -9 of issuers and relays, 20 of the broker',
    run: (seed, registrations = 10_000, name) => events(seed, registrations, name, kafkaTarget),
  },
  'registration-latency-kafka': {
    about: 'what a registration takes with the Kafka broker up, killed and hung, in turns (wants an idle machine)',
    run: (_, registrations = 600, name) =>
      onStore(name, ({ settings }) => kafkaLatency({ registrations, rounds: 8, settings })),
  },
  'registration-latency': {
    about:
      'registrations one after the other while the receiver of events is there, gone and slow, 300 of each, in turns',
    run: async (_, registrations = 300, name) => {
      const target = await webhookTarget();
      try {
        return await onStore(name, (store) => registrationLatency({ registrations, store, target }));
      } finally {
        await target.close();
      }
    },
  },
  'missed-revocations': {
    about:
      '100 revocations while a gateway is down, one of them in a slow transaction, and what it does after its restart',
    run: (_, revocations = 100) => missedRevocations({ revocations }),
  },
  'upstream-restart': {
    about: 'a service is killed and started again 20 times under load: only 502 and 503 meanwhile, back by itself',
    run: (seed, restarts = 20) => upstreamRestart({ restarts, random: seeded(seed) }),
  },
  'route-change': {
    about: 'the route file changes 300 times under load, with SIGHUP besides: no request fails',
    run: (seed, changes = 300) => routeChange({ changes, random: seeded(seed) }),
  },
  'gateway-sigterm': {
    about: 'SIGTERM under load, 20 times: no accepted request lost, gone within 10 s',
    run: (seed, stops = 20) => gatewaySigterm({ stops, random: seeded(seed) }),
  },
  'parts-sigterm': {
    about:
      'SIGTERM under load to an issuer, to a service and to `sallyport up`, 10 times each: no accepted request lost',
    run: (seed, stops = 10) => partsSigterm({ stops, random: seeded(seed) }),
  },
  'slow-sockets': {
    about: 'p99 of ordinary requests beside 1,000 slow sockets and floods of unseen tokens (wants an idle machine)',
    run: (_, rounds = 5) => slowSockets({ sockets: 1000, floodSockets: 64, rounds, seconds: 5, perSecond: 300 }),
  },
  interleavings: {
    about:
      '10,000 scheduled interleavings of rotate, replay, logout, logout-all, disable, change password over two issuers',
    run: (seed, trials = 10_000, store) =>
      onStore(store, ({ settings }) => provenInterleavings({ trials, seed, settings })),
  },
  soak: {
    about: 'login, refresh, verify, logout mixed at a steady rate for 3 minutes (PROVE_MINUTES): no error, memory flat',
    run: (seed, minutes = Number(process.env['PROVE_MINUTES'] ?? 3), store) =>
      onStore(store, ({ settings }) => provenSoak({ minutes, random: seeded(seed), settings })),
  },
  snippets: {
    about:
      'the commands of the documentation run as they stand there (SNIPPETS: of the documents whose path holds this)',
    run: () => runSnippets(process.env['SNIPPETS']),
  },
  'refresh-protocol': {
    about:
      'the Promela model of the refresh protocol, walked through by spin at the larger bounds (wants a gigabyte or two)',
    run: () => refreshProtocol('large'),
  },
  'refresh-model': {
    about: 'the refresh property suite and its sabotaged twins at 2,000 stories, on one store',
    run: async (seed, stories = 2000, store) => refreshModel(seed, stories, store),
  },
};

const events = async (
  seed: number,
  registrations: number,
  name: StoreName,
  open: () => Promise<EventTarget>,
): Promise<object> => {
  const kills = Math.ceil(registrations / 100);
  const target = await open();
  try {
    const absences = Math.ceil(kills / 5);
    const counts = { registrations, kills, absences, pauses: Math.ceil(kills / 20), random: seeded(seed) };
    return await onStore(name, (store) => provenEvents({ ...counts, store, target }));
  } finally {
    await target.close();
  }
};

const timingCounts = (pairs: number) => ({
  pairs,
  controlPairs: pairs,
  otherPairs: Math.ceil(pairs / 5),
  sabotagedPairs: Math.ceil(pairs / 20),
});

const refreshModel = (seed: number, stories: number, store: StoreName): object => {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const env = {
    ...process.env,
    SALLYPORT_PROPERTY_RUNS: String(stories),
    SALLYPORT_PROPERTY_SEED: String(seed),
    SALLYPORT_TEST_DATABASE: store,
  };
  const { status } = spawnSync(process.execPath, [vitest, 'run', 'auth/refresh', '--testTimeout=3000000'], {
    env,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the property suite failed');
  return { store, stories, passed: true };
};

const [name = '', countText, storeText = process.env['PROVE_STORE'] ?? 'sqlite'] = process.argv.slice(2);
const proof = proofs[name];
if (proof === undefined || !storeNames.includes(storeText)) {
  const width = Math.max(...Object.keys(proofs).map(({ length }) => length));
  const list = Object.entries(proofs).map(([known, { about }]) => `  ${known.padEnd(width)}  ${about}`);
  process.stderr.write(
    `usage: npm run prove -- <name> [count [store]]\n${list.join('\n')}\nstores (also PROVE_STORE): ${storeNames.join(', ')}\n`,
  );
  process.exitCode = 2;
} else {
  const seed = Number(process.env['SALLYPORT_PROVE_SEED'] ?? randomInt(2 ** 31));
  process.stdout.write(`seed ${seed}\n`);
  const started = performance.now();
  const result = await proof.run(seed, countText === undefined ? undefined : Number(countText), storeText as StoreName);
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  process.stdout.write(`${JSON.stringify({ name, seed, seconds, ...result }, null, 2)}\n`);
  if ('passed' in result && result.passed === false) process.exitCode = 1;
}
