import { isAbsolute, join, relative } from 'node:path';
import { type EventSinkName, eventSinkName } from '@sallyport/auth/maintenance';
import { type Environment, namesDatabase } from '../environment.ts';
import type { DataFolder } from './data-folder.ts';
import type { Plan, PlannedServer } from './plan.ts';
import { addressOf, portOf, withAddresses } from './ports.ts';

export interface TableInput {
  readonly plan: Plan;
  readonly started: readonly PlannedServer[];
  readonly env: Environment;
  readonly folder: DataFolder;
}

/** What stands before the line `ready`: addresses, state, commands to try. */
export const startTable = ({ plan, started, env, folder }: TableInput): string => {
  const data = shortPath(folder.path);
  const store = namesDatabase(env)
    ? 'the store that DATABASE_URL names; commands need the same settings'
    : `SQLite in ${data}`;
  const routeFile = plan.servers.map(({ routesSetting = '' }) => env[routesSetting]).find((file) => file !== undefined);
  const rows: (readonly [string, string])[] = [
    ...plan.servers.map((server) => [server.title, whereIs(server, started, env)] as const),
    ...(routeFile === undefined ? [] : [['route file', `${routeFile}: its routes, not those of the preset`] as const]),
    ['routes', 'the issuer describes its routes at /openapi.json and /docs; metrics: each private port, /metrics'],
    ['state', `${store}: ${sessionsRow(plan, env)}; events go to ${eventsRow(plan, env)}`],
    ...sharedRow(plan.preset, folder),
    ['secrets', `${join(data, 'secrets')}, made once, each server gets its own`],
    ['logs', `${join(data, 'logs')}, one file a server; warnings and errors also here (all lines: --verbose)`],
  ];
  const width = Math.max(...rows.map(([title]) => title.length));
  return [
    `Sallyport, preset ${plan.preset}`,
    '',
    ...rows.map(([title, text]) => `  ${title.padEnd(width)}  ${text}`),
    '',
    'Try, in another terminal:',
    ...(routeFile === undefined ? plan.try : [checkRoutes(routeFile)]).map(
      (command) => `  ${withAddresses(command, plan.servers, env)}`,
    ),
    '',
    'Ctrl-C stops everything.',
  ].join('\n');
};

const sessionsRow = ({ servers }: Plan, env: Environment): string => {
  const role = env['REDIS_ROLE'] ?? servers.find(({ defaults }) => defaults?.['REDIS_ROLE'])?.defaults?.['REDIS_ROLE'];
  const given = (...names: readonly string[]) => names.find((name) => env[name] !== undefined);
  const redis = given('REDIS_URL', 'REDIS_URL_FILE', 'REDIS_ADDR');
  const audit = given('AUDIT_DATABASE_URL', 'AUDIT_DATABASE_URL_FILE');
  const isCache = role === 'cache';
  const here = [...(redis === undefined || isCache ? ['sessions'] : []), ...(audit === undefined ? ['audit'] : [])];
  return [
    ...(here.length > 0 ? [`${here.join(' and ')} too`] : []),
    ...(redis === undefined ? [] : [`${isCache ? 'sessions noted' : 'sessions'} in the Redis that ${redis} names`]),
    ...(audit === undefined ? [] : [`audit in the database that ${audit} names`]),
  ].join('; ');
};

/** What there is to try is the operator's own: this prints it. */
const checkRoutes = (file: string): string => `npm run -s sallyport -- routes check ${file}`;

/** Nothing is wrong with that, but whoever did not mean it meets accounts that they have not made. */
const sharedRow = (preset: string, { path, sharedWith }: DataFolder): (readonly [string, string])[] => {
  if (sharedWith === undefined) return [];
  const apart = `to keep them apart: SALLYPORT_DATA_DIR=${shortPath(path)}-${preset}`;
  return [['accounts', `also those of the preset ${sharedWith}, which ran on this folder before; ${apart}`]];
};

/** As it would be typed here: relative where it lies below the working folder. */
const shortPath = (path: string): string => {
  const short = relative(process.cwd(), path) || '.';
  return short.startsWith('..') || isAbsolute(short) ? path : short;
};

const whereIs = (server: PlannedServer, started: readonly PlannedServer[], env: Environment): string =>
  started.includes(server)
    ? `${addressOf(server, env)}  (private: ${portOf(server, env) + 1000})`
    : `${env[server.replacedBy ?? ''] ?? ''}  (yours, from ${server.replacedBy})`;

const receivers: Readonly<Record<EventSinkName, string>> = { log: 'the log', webhook: 'the webhook', kafka: 'Kafka' };

/** As the issuer reads the same settings, below them the plan's own. What it will refuse, it says itself. */
const eventsRow = ({ servers }: Plan, env: Environment): string => {
  const given = Object.assign({}, ...servers.map(({ defaults }) => defaults), env) as Environment;
  const name = eventSinkName({
    eventSink: given['EVENT_SINK'] as EventSinkName | undefined,
    kafkaBrokers: given['KAFKA_BROKERS']?.split(','),
    webhookUrl: given['WEBHOOK_URL'] ?? given['WEBHOOK_URL_FILE'],
  });
  return receivers[name];
};
