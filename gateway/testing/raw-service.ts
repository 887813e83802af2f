/** A service made of bytes: what the gateway writes to it, exactly, and an answer that is written back as it stands. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { onTestFinished } from 'vitest';

export interface RawService {
  readonly url: string;
  /** Everything that came, one entry a connection, latin1. */
  readonly received: string[];
}

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** Answers each piece that comes with the same bytes; `undefined`: never answers. Ends with the test. */
export const startRawService = async (answer: string | undefined = ok): Promise<RawService> => {
  const received: string[] = [];
  const server = createServer((socket) => {
    const at = received.push('') - 1;
    socket.on('error', () => socket.destroy());
    onTestFinished(() => void socket.destroy());
    socket.setEncoding('latin1').on('data', (text: string) => {
      received[at] += text;
      if (answer !== undefined) socket.write(answer, 'latin1');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
};

/** The header lines of a request's head as they stand on the wire: lower-case name, value. */
export const linesOf = (bytes: string): readonly (readonly [name: string, value: string])[] => {
  const [head = ''] = bytes.split('\r\n\r\n', 1);
  return head
    .split('\r\n')
    .slice(1)
    .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]);
};

export const websocketKey = 'dGhlIHNhbXBsZSBub25jZQ==';

/** Both doors of the gateway: an ordinary request, and the handshake of a WebSocket, each with further header lines. */
export const doors = [
  ['HTTP', (path: string, ...lines: readonly string[]) => requestOf(path, ['connection: close', ...lines])],
  [
    'WebSocket',
    (path: string, ...lines: readonly string[]) =>
      requestOf(path, [
        'connection: Upgrade',
        'upgrade: websocket',
        'sec-websocket-version: 13',
        `sec-websocket-key: ${websocketKey}`,
        ...lines,
      ]),
  ],
] as const;

/** A GET with these header lines; `Host` is `a` unless one of them says otherwise. */
export const requestOf = (target: string, lines: readonly string[]): string => {
  const host = lines.some((line) => /^host *:/i.test(line)) ? [] : ['host: a'];
  return `GET ${target} HTTP/1.1\r\n${[...host, ...lines].join('\r\n')}\r\n\r\n`;
};

/** What a service says that takes the handshake of `doors`. */
export const accepted =
  'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n' +
  'sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n';
