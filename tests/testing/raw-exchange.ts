import { connect } from 'node:net';

const limitMs = 5000;

/** Writes bytes on a socket and reads until the server closes it: for requests that no HTTP client would write. */
export const rawExchange = (url: string, bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    let read = '';
    socket.setTimeout(limitMs, () => socket.destroy(new Error(`the server did not answer within ${limitMs} ms`)));
    socket.setEncoding('utf8').on('data', (text: string) => {
      read += text;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(read));
    socket.write(bytes);
  });

/** One request with the header lines as they are given, in their order; the connection closes after it. */
export const rawRequest = (url: string, requestLine: string, headerLines: readonly string[]): Promise<string> =>
  rawExchange(
    url,
    [`${requestLine} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headerLines, '', ''].join('\r\n'),
  );

export const statusOf = (response: string): number => Number(response.split(' ', 2)[1]);
