import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@sallyport/tests/testing/free-ports';
import type { BenchResult, Verdict } from '../judge.ts';
import { median } from '../measure.ts';
import { type Contestant, expressProxy, fastifyProxy, haproxy, nginx, ours } from './contestants.ts';
import { type Load, measure, pin, type Sample } from './load.ts';
import { type OpenSite, openSite } from './site.ts';

const contestants = [nginx, haproxy, ours, fastifyProxy, expressProxy] as const;
const proxyCore = 1;
const clientCore = 0;
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 4);
const connections = 64;
/** Until compilers have done: what they use would count for those that have one. */
const warmSeconds = 4;
const unseenTokens = 40_000;
const warmTokens = 24_000;

interface Row {
  readonly name: string;
  readonly does: string;
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly residentMiB: number;
}

/** The full-policy gateway on one core beside its peers, same upstream, wrk on the other core. One contestant at a time, in turn. */
export const benchGateway = async (): Promise<BenchResult> => {
  const upstreamPort = await freePort();
  const site = await openSite(upstreamPort);
  const upstream = await startUpstream(site);
  try {
    const load = { path: '/api/v1/users/profile', seconds, connections };
    const [one = ''] = site.mint(1);
    const oneToken = await inTurn(site, contestants, { ...load, tokens: [one] });
    const thousandTokens = await inTurn(site, [haproxy, ours, fastifyProxy], { ...load, tokens: site.mint(1000) });
    // Warmed up with others: with these they would be seen.
    const [fresh, others] = [site.mint(unseenTokens), site.mint(warmTokens)];
    const unseen = await inTurn(site, [haproxy, ours], { ...load, tokens: fresh }, others);
    const post = { ...load, tokens: [one], body: 1024, headers: site.csrfHeaders(one) };
    const posts = await inTurn(site, [nginx, haproxy, ours, fastifyProxy], post);
    return { figures: { oneToken, thousandTokens, unseen, posts }, verdicts: verdictsOf(oneToken, unseen) };
  } finally {
    upstream.kill('SIGTERM');
    await site.close();
  }
};

const cpuOf = (rows: readonly Row[], { name }: Contestant): number =>
  rows.find((row) => row.name === name)?.cpuMicroseconds ?? Number.NaN;

const verdictsOf = (oneToken: readonly Row[], unseen: readonly Row[]): readonly Verdict[] => {
  const ratio = (rows: readonly Row[], peer: Contestant): number => cpuOf(rows, ours) / cpuOf(rows, peer);
  return [
    { what: 'gateway CPU per GET, of HAProxy with RS256', measured: ratio(oneToken, haproxy), unit: 'x', atMost: 0.9 },
    {
      what: 'gateway CPU per GET, of HAProxy (second goal)',
      measured: ratio(oneToken, haproxy),
      unit: 'x',
      atMost: 0.7,
    },
    {
      what: '@fastify/http-proxy against the gateway',
      measured: 1 / ratio(oneToken, fastifyProxy),
      unit: 'x',
      atLeast: 2,
    },
    { what: 'Express against the gateway', measured: 1 / ratio(oneToken, expressProxy), unit: 'x', atLeast: 6 },
    { what: 'unseen RS256 tokens, CPU of HAProxy', measured: ratio(unseen, haproxy), unit: 'x', atMost: 1.3 },
  ];
};

/** A cheap upstream on the client's core: nginx answering from memory. */
const startUpstream = async ({ folder, upstreamPort }: OpenSite) => {
  const file = join(folder, 'nginx-upstream.conf');
  writeFileSync(
    file,
    `daemon off; master_process off; error_log stderr crit; pid ${folder}/nginx-upstream.pid;
events { worker_connections 2048; }
http {
  access_log off; keepalive_requests 100000000; client_max_body_size 10m; default_type application/json;
  client_body_temp_path ${folder}/ub; proxy_temp_path ${folder}/up; fastcgi_temp_path ${folder}/uf;
  uwsgi_temp_path ${folder}/uu; scgi_temp_path ${folder}/us;
  server { listen 127.0.0.1:${upstreamPort}; location / { return 200 '{"id":"0192f0c1","name":"Some Body","items":[1,2,3]}'; } }
}
`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  await Promise.race([once(child, 'exit').then(() => Promise.reject(new Error('nginx ended'))), sleep(500)]);
  pin(child.pid ?? 0, clientCore);
  return child;
};

/** One after the other, round after round, so that a machine whose speed drifts drifts for all; the median is quoted. */
const inTurn = async (
  site: OpenSite,
  listed: readonly Contestant[],
  load: Load,
  warm: readonly string[] = load.tokens,
): Promise<readonly Row[]> => {
  const samples = new Map<string, Sample[]>(listed.map(({ name }) => [name, []]));
  const script = join(site.folder, 'load.lua');
  for (let round = 0; round < rounds; round += 1) {
    for (const contestant of listed) {
      const port = await freePort();
      const running = await contestant.start(site, port);
      pin(running.pid, proxyCore);
      await sleep(500);
      await measure(running.pid, port, { ...load, tokens: warm, seconds: warmSeconds }, script);
      samples.get(contestant.name)?.push(await measure(running.pid, port, load, script));
      await running.stop();
    }
  }
  return listed.map(({ name, does }) => ({ name, does, ...mediansOf(samples.get(name) ?? []) }));
};

const mediansOf = (samples: readonly Sample[]): Omit<Row, 'name' | 'does'> => {
  const of = (member: keyof Sample): number => Math.round(median(samples.map((sample) => sample[member])) * 100) / 100;
  return {
    perSecond: of('perSecond'),
    cpuMicroseconds: of('cpuMicroseconds'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    residentMiB: of('residentMiB'),
  };
};
