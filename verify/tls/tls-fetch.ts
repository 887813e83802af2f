import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import { checkOptions } from '../options.ts';

/** Files in PEM. They are read at each connection, so that renewed ones are taken without a restart. */
export interface TlsFetchOptions {
  /** Authorities that the server is believed by, and no others. Default: the system's list. */
  readonly caPath?: string | undefined;
  /** What is shown to a server that asks for a certificate (mutual TLS), its chain included. With `keyPath`. */
  readonly certPath?: string | undefined;
  readonly keyPath?: string | undefined;
}

/**
 * A `fetch` for `remoteJwks`, `remotePem` and `openRevocationFeed`, or for another service, where its certificate comes from an
 * authority of your own, or where it lets in only who shows one. Bodies are text; no redirect is followed. It speaks TLS 1.2 or later
 * to a server whose certificate it has verified, and nothing turns that off.
 * @throws TypeError for a misspelt option, or a certificate without its key
 */
export const createTlsFetch = (given: TlsFetchOptions): typeof globalThis.fetch => {
  const { caPath, certPath, keyPath } = checkOptions('createTlsFetch', given, [], {
    caPath: 0,
    certPath: 0,
    keyPath: 0,
  });
  if ((certPath === undefined) !== (keyPath === undefined)) {
    throw new TypeError('createTlsFetch: certPath and keyPath belong together');
  }
  return async (input, init = {}) => {
    // What it carries beside its URL would be left behind without a word.
    if (input instanceof Request) throw new TypeError('createTlsFetch: takes a URL and an init, and no Request');
    const url = new URL(input);
    // What is meant to be verified must not go out in clear because of a letter that is missing in a setting.
    if (url.protocol !== 'https:') throw new TypeError('createTlsFetch: the URL is not https');
    const { body = null } = init;
    if (body !== null && typeof body !== 'string') throw new TypeError('createTlsFetch: the body is not text');
    const [ca, cert, key] = await Promise.all([textOf(caPath), textOf(certPath), textOf(keyPath)]);
    // node:tls takes no text for no wish, and believes the system's list: so is a file that is just being written.
    if (ca === '') throw new TypeError('createTlsFetch: caPath holds no certificate');
    const answer = await ask(
      url,
      { ...init, body },
      {
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
      },
    );
    return responseOf(answer);
  };
};

/**
 * The same from `OUTBOUND_CA_PATH`, `OUTBOUND_CERT_PATH` and `OUTBOUND_KEY_PATH`; undefined where none is set, which stands for the
 * global `fetch`.
 * @throws TypeError for a certificate without its key
 */
export const tlsFetchFrom = (
  env: Readonly<Record<string, string | undefined>>,
): typeof globalThis.fetch | undefined => {
  const { OUTBOUND_CA_PATH: caPath, OUTBOUND_CERT_PATH: certPath, OUTBOUND_KEY_PATH: keyPath } = env;
  if ((caPath ?? certPath ?? keyPath) === undefined) return undefined;
  if ((certPath === undefined) !== (keyPath === undefined)) {
    throw new TypeError('OUTBOUND_CERT_PATH and OUTBOUND_KEY_PATH belong together');
  }
  return createTlsFetch({ caPath, certPath, keyPath });
};

const textOf = async (path: string | undefined): Promise<string | undefined> =>
  path === undefined ? undefined : readFile(path, 'utf8');

interface Files {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

interface Sent extends RequestInit {
  readonly body: string | null;
}

const ask = (url: URL, { method = 'GET', headers, signal, body }: Sent, files: Files): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const outgoing = request(url, {
      ...files,
      method,
      headers: Object.fromEntries(new Headers(headers)),
      // One connection for one answer: a session that is resumed would be one whose certificates nobody has looked at again.
      agent: false,
      // Else node:https verifies the name that the header `Host` says. RFC 6066 §3: literal addresses are no server names.
      servername: isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0 ? url.hostname : '',
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      ...(signal && { signal }),
    });
    outgoing.once('response', resolve);
    // It stays: the connection of an answer that is cut off tells so here as well.
    outgoing.on('error', (error) => {
      // As `fetch` has it: a time-out says that it is one.
      const reason: unknown = signal?.aborted === true ? signal.reason : error;
      reject(reason instanceof Error ? reason : error);
    });
    outgoing.end(body ?? undefined);
  });

const responseOf = (answer: IncomingMessage): Response => {
  const { statusCode: status = 0, headersDistinct } = answer;
  if (status >= 300 && status < 400) {
    answer.destroy();
    throw new TypeError(`createTlsFetch: a redirect (${status}) is not followed`);
  }
  const headers = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  const hasBody = status !== 204 && status !== 205;
  if (!hasBody) answer.resume();
  return new Response(hasBody ? (Readable.toWeb(answer) as ReadableStream<Uint8Array<ArrayBuffer>>) : null, {
    status,
    headers,
  });
};
