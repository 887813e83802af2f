/**
 * What tests need beside Node: programs from Debian's packages, installed once where this may be done (root, apt-get).
 * On a contributor's machine what cannot be had is a loud skip; with `SALLYPORT_REQUIRE_SERVICES=1` (CI) it is a failure.
 */
import { spawnSync } from 'node:child_process';

interface Needed {
  readonly program: string;
  /** Debian package. */
  readonly package: string;
  readonly what: string;
  /** Asks for its version, and does nothing else. */
  readonly probe: string;
}

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
  { program: 'caddy', package: 'caddy', what: 'Caddy that asks /forward-auth', probe: 'version' },
];

const has = ({ program, probe }: Needed): boolean =>
  spawnSync(program, [probe], { stdio: 'ignore' }).error === undefined;

const apt = (...args: readonly string[]): boolean =>
  spawnSync('apt-get', ['-qq', '-y', ...args], {
    stdio: 'ignore',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }).status === 0;

const mayInstall = (): boolean => process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).error === undefined;

const install = (name: string): boolean =>
  apt('install', '--no-install-recommends', name) || (apt('update') && apt('install', '--no-install-recommends', name));

/** Returns the names of programs that could not be had; each is said on standard error. */
export const prepareServices = (): readonly string[] => {
  const missing = needed.filter((each) => !has(each) && !(mayInstall() && install(each.package)));
  for (const { program, what } of missing) process.stderr.write(`MISSING: ${program}: ${what} is not tested\n`);
  return missing.map(({ program }) => program);
};
