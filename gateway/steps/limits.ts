import type { IncomingMessage } from 'node:http';
import { Problem } from '@sallyport/contract';
import type { Exchange, Outcome, Step } from '../exchange.ts';

const maxHeaderLines = 100;
const maxTargetLength = 8192;

const plainNumber = /^(?:0|[1-9]\d*)$/;

const ambiguous = (header: string): Problem => new Problem('header_invalid', { params: { header } });

/**
 * Sizes, and what has to be unambiguous before anything is believed. Times are the listener's: `headersTimeout` and
 * `requestTimeout` of node:http. How long a body may be is the route's.
 */
export const limits = (): Step => {
  const judge = ({ req, headers, isUpgrade, rawTarget }: Exchange): Outcome => {
    // llhttp reads `HTTP/2.0` and a line without version as well.
    if (req.httpVersion !== '1.1' && req.httpVersion !== '1.0') return new Problem('request_malformed');
    if (req.rawHeaders.length > 2 * maxHeaderLines) return new Problem('headers_too_large');
    if (rawTarget.length > maxTargetLength) return new Problem('uri_too_long');
    // RFC 9112 §3.2: 400 for a request without Host, or with more than one.
    if (headers.host.length > 1 || (headers.host.length === 0 && req.httpVersion !== '1.0')) return ambiguous('host');
    // RFC 9112 §6.1: both are a sign of smuggling. llhttp refuses it too; the proxy's framing must not rest on one parser.
    if (headers.contentLength.length > 0 && headers.transferEncoding.length > 0)
      return new Problem('request_malformed');
    // RFC 9112 §6.1: HTTP/1.0 knows no transfer coding; such a message has to be treated as wrongly framed.
    if (headers.transferEncoding.length > 0 && req.httpVersion !== '1.1') return new Problem('request_malformed');
    const [length] = headers.contentLength;
    // RFC 9112 §6.3, 5: no list. Leading zeroes are digits too (RFC 9110 §8.6), and octal to who reads numbers as C does.
    if (length !== undefined && (headers.contentLength.length > 1 || !plainNumber.test(length)))
      return ambiguous('content-length');
    const [coding] = headers.transferEncoding;
    if (headers.transferEncoding.length > 1 || (coding !== undefined && coding.trim().toLowerCase() !== 'chunked')) {
      return ambiguous('transfer-encoding');
    }
    // h2c would carry requests past every step; a WebSocket handshake comes by a door of its own.
    if (headers.upgrade.length > 0 && !isUpgrade) return new Problem('upgrade_refused');
    if (isUpgrade && !isWebSocketHandshake(req)) return new Problem('request_malformed');
    return undefined;
  };

  const run = (exchange: Exchange): Outcome => {
    const problem = judge(exchange);
    // RFC 9112 §6.1: where its end is in doubt, what follows is no request of anybody's; the connection closes after the answer.
    if (problem !== undefined) exchange.res.shouldKeepAlive = false;
    return problem;
  };
  return { name: 'limits', run };
};

/** RFC 6455 §4.2.1: version 13 and a key of 16 bytes. That it has no body, the listener has seen. */
const isWebSocketHandshake = ({ method, headers, httpVersion }: IncomingMessage): boolean =>
  method === 'GET' &&
  httpVersion === '1.1' &&
  headers['sec-websocket-version'] === '13' &&
  /^[A-Za-z0-9+/]{21}[AQgw]==$/.test(headers['sec-websocket-key'] ?? '');
