import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface UpstreamAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface RecordingUpstream {
  readonly url: string;
  readonly received: ReceivedRequest[];
  /** What it answers from now on; undefined: nothing, for ever. */
  answerWith(answer: UpstreamAnswer | undefined): void;
  close(): void;
}

/** A service behind the gateway that keeps what it was sent. */
export const startRecordingUpstream = async (): Promise<RecordingUpstream> => {
  const received: ReceivedRequest[] = [];
  let answer: UpstreamAnswer | undefined = { status: 200, body: '{}' };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      received.push({ method: request.method ?? '', target: request.url ?? '', headers: request.headers, body });
      if (answer === undefined) return;
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    answerWith: (next) => {
      answer = next;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
