import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, type ErrorTexts, Problem, problemContentType, problemDetails } from '@sallyport/contract';

const codeOfParserError: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** Where `node:http` keeps the answer under way; its own handler of `clientError` looks there too. */
type AnsweringSocket = Socket & { readonly _httpMessage?: ServerResponse | null };

/**
 * Answers what `node:http` could not read as a request (its `clientError` event), then ends the connection:
 * after a parser error nothing that follows on it can be told apart safely.
 * A request before it on the same connection gets its own answer first: the answers' order is all that tells a client which
 * is which. Where the answer to the broken request itself has begun, the connection is cut: two heads would be one answer.
 */
export const answerClientError = (error: Error & { code?: string }, socket: Socket, texts: ErrorTexts): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { _httpMessage: answer } = socket as AnsweringSocket;
  if (answer?.req.complete) {
    answer.once('finish', () => answerClientError(error, socket, texts));
    return;
  }
  if (answer?.headersSent) {
    socket.destroy();
    return;
  }
  writeClientError(error, socket, texts);
};

const writeClientError = (error: Error & { code?: string }, socket: Socket, texts: ErrorTexts): void => {
  const problem = new Problem(codeOfParserError[error.code ?? ''] ?? 'request_malformed', { cause: error });
  const body = JSON.stringify(problemDetails(problem, texts));
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `content-type: ${problemContentType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    'x-content-type-options: nosniff',
    'connection: close',
  ].join('\r\n');
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
};
