import { lookup as resolveName } from 'node:dns';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isPublicAddress } from './public-address.ts';

export interface SenderOptions {
  readonly url: string;
  /** WEBHOOK_ALLOW_PRIVATE_ADDRESSES */
  readonly allowPrivate: boolean;
  /** For connecting, sending and the head of the answer together. */
  readonly timeoutMs: number;
  /** Connections that are open at once. */
  readonly connections: number;
  /** How a name becomes addresses. Default: as the system does it. */
  readonly resolve?: typeof resolveName;
}

export type Sent =
  | { readonly kind: 'answered'; readonly status: number }
  /** Nobody can say whether it arrived. */
  | { readonly kind: 'failed'; readonly reason: 'private_address' | 'timeout' | 'stopped' | 'connection' };

export interface Sender {
  /** Never throws. Ends within the limit, and soon after the signal. */
  post(headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal): Promise<Sent>;
  close(): void;
}

const maxAnswerBytes = 65_536;

class PrivateAddress extends Error {
  override readonly name = 'PrivateAddress';
}

/**
 * Posts to one URL. The address is judged where the connection gets it, so a name that answers with another address at the second
 * question gains nothing. A redirect is an answer like any other: nobody follows it.
 */
export const createSender = (options: SenderOptions): Sender => {
  const url = new URL(options.url);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const agentOptions = { keepAlive: true, maxSockets: options.connections, lookup: checkedLookup(options) };
  const isTls = url.protocol === 'https:';
  const agent = isTls ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
  const request = isTls ? httpsRequest : httpRequest;
  // A literal address is connected to without being looked up.
  const isRefused = isIP(host) !== 0 && !options.allowPrivate && !isPublicAddress(host);

  const post: Sender['post'] = (headers, body, signal) =>
    new Promise((resolve) => {
      if (isRefused) return resolve({ kind: 'failed', reason: 'private_address' });
      if (signal.aborted) return resolve({ kind: 'failed', reason: 'stopped' });
      const timeout = AbortSignal.timeout(options.timeoutMs);
      const call = request(url, {
        method: 'POST',
        agent,
        headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
        signal: AbortSignal.any([signal, timeout]),
      });
      call.once('response', (answer) => {
        passOver(answer);
        resolve({ kind: 'answered', status: answer.statusCode ?? 0 });
      });
      call.on('error', (error) => {
        const reason = signal.aborted ? 'stopped' : timeout.aborted ? 'timeout' : 'connection';
        resolve({ kind: 'failed', reason: error instanceof PrivateAddress ? 'private_address' : reason });
      });
      call.end(body);
    });
  return { post, close: () => agent.destroy() };
};

/** What it says is nobody's business. A short text is read to its end, so that the connection can be used again; one may be endless. */
const passOver = (answer: IncomingMessage): void => {
  let bytes = 0;
  answer.on('error', () => undefined);
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) answer.destroy();
  });
};

const checkedLookup =
  ({ allowPrivate, resolve = resolveName }: SenderOptions): LookupFunction =>
  (name, options, done) => {
    resolve(name, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, []);
      // One is enough: a name that stands for both is not the receiver that was meant.
      if (!allowPrivate && !addresses.every(({ address }) => isPublicAddress(address)))
        return done(new PrivateAddress('the name stands for a private address'), []);
      if (options.all === true) return done(null, addresses);
      const [first] = addresses;
      if (first === undefined) return done(new Error('the name stands for no address'), []);
      done(null, first.address, first.family);
    });
  };
