/**
 * SIGTERM while clients of all kinds are at it: no request that the gateway has read goes without its answer, and the process is gone
 * within ten seconds. A client whose kept connection was closed under it without a byte comes again, as RFC 9112 §9.3.1 has it; that
 * its request was nowhere heard of is looked up at the service and in the gateway's log.
 */
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChildServer } from '../../testing/child-server.ts';
import { type Installation, newInstallation, startGateway } from '../../testing/microservices.ts';
import { mintCsrf, mintToken } from '../../testing/route-file.ts';
import { type Kind, type Sent, startStopClients, surelyReadMs } from '../stop-clients.ts';

export interface GatewaySigterm {
  readonly stops: number;
  readonly answered: number;
  /** After the signal alone. */
  readonly answeredWhileStopping: number;
  /** Answered after the signal, without `Connection: close`. */
  readonly keptOpen: number;
  /** Kept connections that ended without a byte, of requests that nobody had read: the client comes again. */
  readonly comeAgain: number;
  readonly lost: readonly string[];
  readonly slowestStopMs: number;
  readonly ungraceful: number;
  readonly passed: boolean;
}

const kinds: readonly Kind[] = [
  { name: 'busy', path: '/api/v1/users/a', clients: 4 },
  { name: 'pausing', path: '/api/v1/users/a', clients: 10, pauseMs: 500 },
  { name: 'slow', path: '/api/v1/users/slow', clients: 4 },
  { name: 'fresh', path: '/api/v1/users/a', clients: 2, keepAlive: false, pauseMs: 20 },
  { name: 'posts', path: '/api/v1/users/a', clients: 3, method: 'POST', bodyGapMs: 80 },
];

const limitMs = 10_000;

/** Remembers every request that reached it. `/slow` takes most of a second. */
const startService = async () => {
  const heard = new Set<string>();
  const server = createServer((req, res) => {
    heard.add(String(req.headers['x-client-id']));
    req.resume().on('end', () => setTimeout(() => res.end('ok'), req.url === '/users/slow' ? 700 : Math.random() * 10));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};

interface Round {
  readonly sent: readonly Sent[];
  readonly lost: readonly string[];
  readonly termMs: number;
  readonly stopMs: number;
  readonly isGraceful: boolean;
}

/** A request is lost where it got half an answer or another one than its service's, or none although somebody had read it. */
const lostOf = (sent: readonly Sent[], termMs: number, gateway: ChildServer, heard: ReadonlySet<string>): string[] => {
  const logged = new Set(gateway.logLines().map((line) => line['clientRequestId']));
  const isLost = ({ id, outcome, status, sentMs }: Sent): boolean =>
    (outcome === 'answered' && status !== 200) ||
    outcome === 'half' ||
    outcome === 'waits' ||
    (outcome === 'closed' && (heard.has(id) || logged.has(id) || sentMs < termMs - surelyReadMs));
  return sent
    .filter(isLost)
    .map(({ kind, outcome, sentMs }) => `${kind}: ${outcome}, sent ${Math.round(sentMs - termMs)} ms after the signal`);
};

const stopUnderLoad = async (
  installation: Installation,
  { workers, isKilled }: { readonly workers: number; readonly isKilled: boolean },
  random: () => number,
): Promise<Round> => {
  const service = await startService();
  const settings = { USER_SERVICE_URL: service.url, LOG_LEVEL: 'info', GATEWAY_WORKERS: String(workers) };
  const gateway = await startGateway(installation, settings);
  const csrf = mintCsrf(installation);
  const headers = {
    authorization: `Bearer ${mintToken(installation)}`,
    'x-csrf-token': csrf,
    cookie: `csrf_token=${csrf}`,
  };
  const clients = startStopClients(gateway.url, kinds, random, headers);
  await sleep(600 + random() * 400);
  const termMs = performance.now();
  if (isKilled) gateway.signal('SIGKILL');
  await gateway.stop();
  const stopMs = performance.now() - termMs;
  await clients.ended();
  service.server.close().closeAllConnections();
  const lost = lostOf(clients.sent, termMs, gateway, service.heard);
  return { sent: clients.sent, lost, termMs, stopMs, isGraceful: gateway.output().includes('"msg":"stopped"') };
};

export const gatewaySigterm = async ({
  stops,
  random,
  isKilled = false,
}: {
  readonly stops: number;
  readonly random: () => number;
  /** SIGKILL instead, to see that requests are missed then. */
  readonly isKilled?: boolean;
}): Promise<GatewaySigterm> => {
  const installation = newInstallation();
  const rounds: Round[] = [];
  try {
    // One thread and two, in turn.
    for (let n = 0; n < stops; n += 1)
      rounds.push(await stopUnderLoad(installation, { workers: 1 + (n % 2), isKilled }, random));
  } finally {
    rmSync(installation.folder.path, { recursive: true, force: true });
  }
  const all = rounds.flatMap(({ sent, termMs }) => sent.map((one) => ({ ...one, isLate: one.answeredMs > termMs })));
  const answered = all.filter(({ outcome }) => outcome === 'answered');
  const late = answered.filter(({ isLate }) => isLate);
  const lost = rounds.flatMap((round) => round.lost);
  const slowestStopMs = Math.round(Math.max(...rounds.map(({ stopMs }) => stopMs)));
  const ungraceful = rounds.filter(({ isGraceful }) => !isGraceful).length;
  return {
    ...{ stops, answered: answered.length, answeredWhileStopping: late.length },
    keptOpen: late.filter(({ closes }) => !closes).length,
    comeAgain: all.filter(({ outcome }) => outcome === 'closed').length,
    ...{ lost, slowestStopMs, ungraceful },
    passed: lost.length === 0 && slowestStopMs <= limitMs && ungraceful === 0 && late.length > 0,
  };
};
