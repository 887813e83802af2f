/**
 * Random request targets through a real gateway to services behind all five adapters: what the gateway lets through verifies at
 * each of them, and no other target than the signed one does.
 */
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import { Pool } from 'undici';
import type { ChildServer } from '../testing/child-server.ts';
import { type GuardedService, startGuardedServices } from '../testing/guarded-services.ts';
import { type Installation, newInstallation, startGateway } from '../testing/microservices.ts';
import { mintedUser, mintToken, routeFile } from '../testing/route-file.ts';

export interface AssertionTargets {
  readonly targets: number;
  /** By the gateway, with 400 or 404. */
  readonly refused: number;
  readonly forwarded: number;
  /** Forwarded targets, times five adapters. */
  readonly verified: number;
  /** Targets beside the signed one that were tried, each at all five. */
  readonly others: number;
  /** At most ten of what should not have been. */
  readonly wrong: readonly string[];
  readonly passed: boolean;
}

const service = 'user-service';
const parallel = 8;
const maxTold = 10;

const plain = fc.stringMatching(/^[a-zA-Z0-9._~-]{1,6}$/);
/** Lawful, and likely to be respelled by somebody. */
const lawful = fc.constantFrom(
  ...['%C3%BC', '%c3%bc', '%E2%82%AC', '%20', '%3B', '%40', '*', '~', '@', ':', '!', "'", '(', ')', '$', '&', '+', ','],
  ...['=', '...', 'a..b', '.a', '%F0%9F%98%80'],
);
/** What a parser, a router or a decoder takes for something else. */
const odd = fc.constantFrom(
  ...['//', '/./', '/../', '/..', '%2e%2e', '%2E', '%2f', '%2F', '%5c', '\\', ';', ';a=1', '%', '%zz', '%00', '%25'],
  ...[
    '%c0%ae',
    '%ff',
    'ü',
    '€',
    '\u{1f600}',
    '\u00a0',
    '\u0085',
    '\u2028',
    '#',
    '#x',
    ' ',
    '\t',
    '"',
    '<',
    '`',
    '{',
    '|',
    '^',
  ],
  ...['?', '??', '%3F', '%41', '\u0001', '\u007f'],
);
const piece = fc.oneof(
  { weight: 10, arbitrary: plain },
  { weight: 3, arbitrary: lawful },
  { weight: 1, arbitrary: odd },
);
const segments = fc
  .array(
    fc.array(piece, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('')),
    { maxLength: 4 },
  )
  .map((list) => `/${list.join('/')}`);
const queryPiece = fc.oneof(
  { weight: 6, arbitrary: plain },
  {
    weight: 4,
    arbitrary: fc.constantFrom('=', '&', '+', '%20', '[', ']', '|', '/', '?', ':', '@', '%C3%BC', '%2F', '%00'),
  },
  { weight: 1, arbitrary: fc.constantFrom("'", '"', '<', '#', '\\', '{', '^', '`', 'ü', '%', '%zz', ' ') },
);
const query = fc.array(queryPiece, { maxLength: 6 }).map((parts) => `?${parts.join('')}`);
const prefix = fc.constantFrom(
  '',
  '',
  '/api/v1',
  '/api/v1/',
  '/api',
  '/api/v1/api/v1',
  'http://localhost',
  '/API/v1',
  '*',
);
const request = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'),
  target: fc.tuple(prefix, segments, fc.option(query, { nil: '' })).map((parts) => parts.join('')),
  /** Which neighbours of the target are tried. */
  pick: fc.nat(),
});
type Case = { readonly method: string; readonly target: string; readonly pick: number };

/** Targets that somebody could take for the same, or that a slip would let pass. */
const neighbours = (target: string): readonly string[] =>
  [
    `${target}?`,
    `${target}/`,
    `${target}x`,
    `/${target}`,
    `/api/v1${target}`,
    target.slice(0, -1),
    target.replace(/[a-z]/, (letter) => letter.toUpperCase()),
    target.replace(/%[0-9A-F]{2}/, (code) => code.toLowerCase()),
    target.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
    target.replace(/\/(?=.)/, '/./'),
    target.replace(/\/(?=.)/, '/x/../'),
    target.replace('?', '??'),
    target.replace('?', '&'),
    target.includes('?') ? `${target}&a=1` : `${target}?a=1`,
    '/',
  ].filter((other) => other !== target && other.startsWith('/'));

/** What a fetch handler is given to see of a target; its guard judges the same text. */
const respelled = (target: string): string => {
  const url = URL.parse(`http://127.0.0.1${target}`);
  return url ? url.href.slice(url.origin.length) : target;
};

/** A service that tells what came to it. */
const startRecorder = async () => {
  const server = createServer((req, res) => {
    const seen = { target: req.url, assertion: req.headers['x-gateway-assertion'] };
    res.setHeader('x-seen', Buffer.from(JSON.stringify(seen)).toString('base64url'));
    res.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => server.close().closeAllConnections(),
  };
};

const routes = (url: string) => {
  const rule = { service, access: 'required', csrf: 'never' } as const;
  return {
    version: 1,
    services: [{ id: service, url }],
    routes: [
      { ...rule, path: '/api/v1/*', stripPrefix: '/api/v1' },
      { ...rule, path: '/*' },
      { ...rule, path: '/' },
    ],
  };
};

/** The bytes of the target as they are, which no HTTP client would send. */
const sendRaw = (url: string, { method, target }: Case, bearer: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    let read = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      read += text;
    });
    socket.on('close', () => resolve(read));
    socket.on('error', reject);
    const body = method === 'GET' || method === 'HEAD' ? '' : 'Content-Length: 0\r\n';
    const head = `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${body}`;
    socket.write(`${head}Authorization: Bearer ${bearer}\r\n\r\n`);
  });

interface Forwarded {
  readonly target: string;
  readonly assertion: string;
}

/** What the service got; a number: how the gateway refused. */
const throughGateway = async (gateway: ChildServer, one: Case, bearer: string): Promise<Forwarded | number> => {
  const answer = await sendRaw(gateway.url, one, bearer);
  const status = Number(answer.split(' ', 2)[1]);
  const [, seen] = /^x-seen: (\S+)\r$/im.exec(answer) ?? [];
  if (status !== 200 || seen === undefined) return status;
  return JSON.parse(Buffer.from(seen, 'base64url').toString()) as Forwarded;
};

interface Asked extends GuardedService {
  readonly pool: Pool;
}

const judge = async ({ pool }: Asked, method: string, target: string, assertion: string): Promise<string> => {
  const headers = { 'x-gateway-assertion': assertion };
  const { statusCode, body } = await pool.request({ method, path: target, headers });
  const text = await body.text();
  return statusCode === 200 && (method === 'HEAD' || text === mintedUser) ? 'verified' : `${statusCode} ${text}`;
};

const run = async (gateway: ChildServer, services: readonly Asked[], cases: readonly Case[], bearer: string) => {
  const counts = { refused: 0, forwarded: 0, verified: 0, others: 0 };
  const wrong: string[] = [];
  const check = async (one: Case): Promise<void> => {
    const seen = await throughGateway(gateway, one, bearer);
    if (typeof seen === 'number') {
      counts.refused += 1;
      // 400: the target, or bytes that are no HTTP. 404: no route, `*`.
      if (seen !== 400 && seen !== 404) wrong.push(`${JSON.stringify(one)}: the gateway answered ${seen}`);
      return;
    }
    counts.forwarded += 1;
    const list = neighbours(seen.target);
    const other = list[one.pick % list.length] ?? '/';
    counts.others += 1;
    for (const asked of services) {
      const isOther = asked.adapter !== 'fetch' || respelled(other) !== seen.target;
      if (isOther && (await judge(asked, one.method, other, seen.assertion)) === 'verified') {
        wrong.push(`${asked.adapter}: ${other} passed with the assertion for ${seen.target}`);
      }
      const verdict = await judge(asked, one.method, seen.target, seen.assertion);
      if (verdict === 'verified') counts.verified += 1;
      else wrong.push(`${asked.adapter}: ${one.method} ${seen.target} as forwarded: ${verdict}`);
    }
  };
  const left = cases[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (const one of left) await check(one);
    }),
  );
  return { ...counts, wrong: wrong.slice(0, maxTold) };
};

export const assertionTargets = async (given: {
  readonly targets: number;
  readonly seed: number;
}): Promise<AssertionTargets> => {
  const installation: Installation = newInstallation();
  const recorder = await startRecorder();
  const file = routeFile(installation, routes(recorder.url));
  const gateway = await startGateway(installation, { GATEWAY_ROUTES_FILE: file.path, LOG_LEVEL: 'warn' });
  const services = (await startGuardedServices(service, installation.assertionKeys(service))).map((one) => ({
    ...one,
    pool: new Pool(one.url, { connections: parallel }),
  }));
  try {
    const cases = fc.sample(request, { numRuns: given.targets, seed: given.seed });
    const bearer = mintToken(installation, { exp: Math.floor(Date.now() / 1000) + 3600 });
    const result = await run(gateway, services, cases, bearer);
    const isWhole = result.verified === result.forwarded * services.length;
    return { targets: cases.length, ...result, passed: isWhole && result.wrong.length === 0 && result.forwarded > 0 };
  } finally {
    await Promise.all(services.map(({ pool }) => pool.destroy()));
    for (const { close } of services) close();
    recorder.close();
    await gateway.stop();
  }
};
