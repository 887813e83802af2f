/**
 * The proxies of `npm run bench -- gateway`: each a process (or a process with one worker) on a port of its own, before the same
 * upstream. What each does for a request is said in `does`; ours does all of it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface Site {
  /** Folder for configuration and logs. */
  readonly folder: string;
  readonly upstreamPort: number;
  readonly publicKeyPath: string;
  /** Settings of our gateway beside its ports: issuer, keys, feed. */
  readonly gatewaySettings: Readonly<Record<string, string>>;
}

export interface Running {
  /** The process that serves: its CPU and memory count. */
  readonly pid: number;
  stop(): Promise<void>;
}

export interface Contestant {
  readonly name: string;
  readonly does: string;
  start(site: Site, port: number): Promise<Running>;
}

const own = (file: string): string => fileURLToPath(new URL(`./${file}`, import.meta.url));

const launch = async (
  site: Site,
  name: string,
  command: readonly string[],
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> => {
  const log = openSync(join(site.folder, `${name}.log`), 'w');
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', ...env },
    cwd: site.folder,
    stdio: ['ignore', log, log],
  });
  await listening(port, () => child.exitCode !== null && readFileSync(join(site.folder, `${name}.log`), 'utf8'));
  return child;
};

const listening = async (port: number, failed: () => string | false): Promise<void> => {
  for (let tries = 0; tries < 200; tries += 1) {
    const failure = failed();
    if (failure !== false) throw new Error(`a contestant did not start: ${failure}`);
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      sleep(500, false),
    ]);
    socket.destroy();
    if (open) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on ${port}`);
};

const ender = (child: ChildProcess) => async (): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
};

const running = (child: ChildProcess): Running => ({ pid: child.pid ?? 0, stop: ender(child) });

export const nginx: Contestant = {
  name: 'nginx bare proxy',
  does: 'proxies; no policy at all',
  start: async (site, port) => {
    const file = join(site.folder, 'nginx-proxy.conf');
    writeFileSync(file, nginxConf(site, port));
    return running(await launch(site, 'nginx-proxy', ['nginx', '-p', site.folder, '-c', file], port));
  },
};

const nginxConf = ({ folder, upstreamPort }: Site, port: number): string => `
daemon off; master_process off; error_log stderr crit; pid ${folder}/nginx-proxy.pid;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000;
  client_body_temp_path ${folder}/nb; proxy_temp_path ${folder}/np; fastcgi_temp_path ${folder}/nf;
  uwsgi_temp_path ${folder}/nu; scgi_temp_path ${folder}/ns;
  upstream back { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`;

export const haproxy: Contestant = {
  name: 'HAProxy, RS256 check',
  does: 'jwt_verify, expiry, user id as a header; no revocation, limits, signed identity or access log',
  start: async (site, port) => {
    const file = join(site.folder, 'haproxy.cfg');
    writeFileSync(file, haproxyConf(site, port));
    return running(await launch(site, 'haproxy', ['haproxy', '-f', file, '-db'], port));
  },
};

const haproxyConf = ({ upstreamPort, publicKeyPath }: Site, port: number): string => `
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:${port}
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"${publicKeyPath}") -m int 1 }
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request set-header X-User-Id %[var(txn.bearer),jwt_payload_query('$.sub')]
  default_backend back
backend back
  http-reuse always
  server one 127.0.0.1:${upstreamPort}
`;

const nodeProxy = (name: string, does: string, file: string): Contestant => ({
  name,
  does,
  start: async (site, port) =>
    running(
      await launch(site, file, [process.execPath, own(file)], port, {
        PORT: String(port),
        UPSTREAM: `http://127.0.0.1:${site.upstreamPort}`,
        PUBLIC_KEY: site.publicKeyPath,
      }),
    ),
});

export const fastifyProxy = nodeProxy(
  '@fastify/http-proxy + fast-jwt',
  'cached verification, user id as a header',
  'peer-fastify.ts',
);

export const expressProxy = nodeProxy(
  'Express + http-proxy-middleware + jsonwebtoken',
  'verification, user id as a header',
  'peer-express.ts',
);

export const ours: Contestant = {
  name: 'Sallyport',
  does: 'verification, revocation, header hygiene, flood limit, signed identity, metrics, access log',
  start: async (site, port) => {
    const upstream = `http://127.0.0.1:${site.upstreamPort}`;
    const child = await launch(
      site,
      'gateway',
      [process.execPath, fileURLToPath(import.meta.resolve('@sallyport/gateway/main'))],
      port,
      {
        SALLYPORT_PRESET: 'microservices',
        GATEWAY_PORT: String(port),
        GATEWAY_PRIVATE_PORT: '0',
        FLOOD_LIMIT_PER_MINUTE: '60000000',
        FLOOD_LIMIT_BURST: '1000000',
        USER_SERVICE_URL: upstream,
        ...site.gatewaySettings,
      },
    );
    return running(child);
  },
};
