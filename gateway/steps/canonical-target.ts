import { Problem } from '@sallyport/contract';
import type { Exchange, Outcome, Step } from '../exchange.ts';

/**
 * One string for routing, policy, limit key, signature and the forwarded request. Characters of RFC 3986 §3.3 without `;`
 * (path parameters are read by some servers and not by others); no empty segment, so no trailing slash either: whoever
 * strips it would serve under a stricter rule's path what a looser rule let in.
 */
const segment = "[A-Za-z0-9\\-._~!$&'()*+,=:@%]+";
const pathForm = new RegExp(`^/(?:${segment}(?:/${segment})*)?$`);
/**
 * RFC 3986 §3.4, and `[ ] |`, which clients send and nobody rewrites. Without `'`: WHATWG URL parsing rewrites it to %27
 * (query percent-encode set of special schemes). An empty query is refused because the same parsing drops it.
 */
const queryForm = /^[A-Za-z0-9\-._~!$&()*+,;=:@/?%[\]|]+$/;
const badEncoding = /%(?![0-9A-Fa-f]{2})/;
/**
 * Never encoded in a path: controls and DEL, `/ \ %`, and the unreserved characters (RFC 3986 §6.2.2.2: equivalent to the
 * plain ones, so a second spelling of a path). `%2e` is among these.
 */
const refusedEncoding = /%(?:[01][0-9a-f]|7[0-9aef]|2[5def]|5[0-9acf]|3[0-9]|4[1-9a-f]|6[1-9a-f])/i;
const dotSegment = /\/\.{1,2}(?:\/|$)/;
const absoluteForm = /^https?:\/\/([^/?#]+)(.*)$/i;

export interface Target {
  /** Path and query. */
  readonly target: string;
  readonly path: string;
}

const isPath = (path: string): boolean => {
  if (!pathForm.test(path)) return false;
  if (path.includes('/.') && dotSegment.test(path)) return false;
  return !path.includes('%') || (!badEncoding.test(path) && !refusedEncoding.test(path) && isUtf8(path));
};

/** Over-long and broken sequences (`%c0%ae`) mean something else to every decoder. */
const isUtf8 = (path: string): boolean => {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
};

/** The canonical form of a request target in origin form, or undefined. */
export const canonicalTarget = (target: string): Target | undefined => {
  const question = target.indexOf('?');
  if (question < 0) return isPath(target) ? { target, path: target } : undefined;
  const path = target.slice(0, question);
  const query = target.slice(question + 1);
  return isPath(path) && queryForm.test(query) && !badEncoding.test(query) ? { target, path } : undefined;
};

/** RFC 9112 §3.2.2: a server MUST accept the absolute form; here for the host that `Host` names, and no other. */
const originForm = (target: string, host: string | undefined): string | undefined => {
  if (target.startsWith('/')) return target;
  const [, authority, rest = ''] = absoluteForm.exec(target) ?? [];
  if (authority === undefined || authority.toLowerCase() !== host?.toLowerCase()) return undefined;
  return rest.startsWith('/') ? rest : `/${rest}`;
};

const hostForm = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/;

/** Judges the request target once; nothing behind this step reads `rawTarget`. */
export const canonicalTargetStep = (): Step => {
  const run = (exchange: Exchange): Outcome => {
    const { method, rawTarget, headers, asked } = exchange;
    const [host] = headers.host;
    if (host !== undefined && !hostForm.test(host))
      return new Problem('header_invalid', { params: { header: 'host' } });
    // RFC 9112 §3.2.4: the asterisk form is used only with OPTIONS.
    if (rawTarget === '*' && method === 'OPTIONS' && asked === undefined) {
      exchange.target = exchange.path = '*';
      return undefined;
    }
    const origin = originForm(rawTarget, host);
    const target = origin === undefined ? undefined : canonicalTarget(origin);
    if (target === undefined) return new Problem('path_refused');
    exchange.target = target.target;
    exchange.path = target.path;
    return undefined;
  };
  return { name: 'canonical target', run };
};
