import { Problem } from '@sallyport/contract';
import type { Exchange, Outcome, Step } from '../exchange.ts';

export interface LimitsOptions {
  readonly bodyLimitBytes: number;
}

const maxHeaderLines = 100;
const maxTargetLength = 8192;

const ambiguous = (header: string): Problem => new Problem('header_invalid', { params: { header } });

/**
 * Sizes, and what has to be unambiguous before anything is believed. Times are the listener's: `headersTimeout` and
 * `requestTimeout` of node:http. A body without a length is counted while it streams (`upstreams/request-body.ts`).
 */
export const limits = ({ bodyLimitBytes }: LimitsOptions): Step => {
  const run = ({ req, headers }: Exchange): Outcome => {
    if (req.rawHeaders.length > 2 * maxHeaderLines) return new Problem('headers_too_large');
    if ((req.url?.length ?? 0) > maxTargetLength) return new Problem('uri_too_long');
    // RFC 9112 §3.2: 400 for a request without Host, or with more than one.
    if (headers.host.length > 1 || (headers.host.length === 0 && req.httpVersion !== '1.0')) return ambiguous('host');
    // RFC 9112 §6.1: both are a sign of smuggling. llhttp refuses it too; the proxy's framing must not rest on one parser.
    if (headers.contentLength.length > 0 && headers.transferEncoding.length > 0)
      return new Problem('request_malformed');
    // RFC 9112 §6.1: HTTP/1.0 knows no transfer coding; such a message has to be treated as wrongly framed.
    if (headers.transferEncoding.length > 0 && req.httpVersion !== '1.1') return new Problem('request_malformed');
    if (headers.contentLength.length > 1) return ambiguous('content-length');
    const [coding] = headers.transferEncoding;
    if (headers.transferEncoding.length > 1 || (coding !== undefined && coding.trim().toLowerCase() !== 'chunked')) {
      return ambiguous('transfer-encoding');
    }
    // WebSocket comes later; h2c would carry requests past every step.
    if (headers.upgrade.length > 0) return new Problem('upgrade_refused');
    if (Number(headers.contentLength[0] ?? 0) > bodyLimitBytes) {
      return new Problem('body_too_large', { params: { limitBytes: bodyLimitBytes } });
    }
    return undefined;
  };
  return { name: 'limits', run };
};
