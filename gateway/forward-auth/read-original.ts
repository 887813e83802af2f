/**
 * Forward auth: a proxy in front asks about a request that it holds, and gets the gateway's decision and the identity headers
 * for it. Owns how the proxy tells that request, and the answer that lets it pass. Never: judges anything itself (the steps of
 * every request do), believes anybody but the configured proxies, or sees the request's body.
 */
import { Problem } from '@sallyport/contract';
import type { Exchange } from '../exchange.ts';

/** The request that a proxy asks about. */
export interface Original {
  readonly asked: Exclude<Exchange['asked'], undefined>;
  readonly method: string;
  /** As the client sent it. */
  readonly target: string;
  /** Undefined: that of the ask itself. */
  readonly host: string | undefined;
}

export const forwardAuthPath = '/forward-auth';

/** Envoy puts the original target behind the path, and sends the original method. */
const isPathForm = (target: string): boolean => target.startsWith(`${forwardAuthPath}/`);

/** Caddy leaves the original query behind the path; nobody reads it there. */
export const isForwardAuth = (target: string): boolean =>
  target === forwardAuthPath || isPathForm(target) || target.startsWith(`${forwardAuthPath}?`);

const tellingHeaders = ['x-original-method', 'x-original-uri', 'x-forwarded-method', 'x-forwarded-uri'] as const;
type TellingHeader = (typeof tellingHeaders)[number];

const invalid = (header: string): Problem => new Problem('header_invalid', { params: { header } });

/** The values of a header, in its real spelling only. */
const valuesOf = (raw: readonly string[], name: string): readonly string[] =>
  raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === name);

/** RFC 9110 §9.1: a method is a token; all that a route can name are upper-case letters. */
const methodForm = /^[A-Z]{1,20}$/;

/**
 * Which request the proxy tells, in one of three ways: `X-Original-Method` and `-URI` (nginx), `X-Forwarded-Method`, `-Uri` and
 * `-Host` (Traefik, Caddy), or method and path of the ask itself (Envoy). Two ways at once are refused, since one of them then
 * came from the client: a proxy whose configuration forgets to remove the other way's headers lets nobody through by it.
 */
export const readOriginal = (method: string, target: string, raw: readonly string[]): Original | Problem => {
  const told = tellingHeaders.filter((name) => valuesOf(raw, name).length > 0);
  if (isPathForm(target)) {
    const [first] = told;
    if (first !== undefined) return invalid(first);
    return { asked: 'path', method, target: target.slice(forwardAuthPath.length), host: undefined };
  }
  const asked = told.some((name) => name.startsWith('x-original-')) ? 'original' : 'forwarded';
  const foreign = told.find((name) => !name.startsWith(`x-${asked}-`));
  return foreign === undefined ? readHeaders(asked, raw) : invalid(foreign);
};

const readHeaders = (asked: 'original' | 'forwarded', raw: readonly string[]): Original | Problem => {
  const methodName: TellingHeader = `x-${asked}-method`;
  const targetName: TellingHeader = `x-${asked}-uri`;
  const [method, ...methods] = valuesOf(raw, methodName);
  const [target, ...targets] = valuesOf(raw, targetName);
  if (method === undefined || methods.length > 0 || !methodForm.test(method)) return invalid(methodName);
  if (target === undefined || targets.length > 0) return invalid(targetName);
  if (asked === 'original') return { asked, method, target, host: undefined };
  // Traefik asks with the gateway's own name in Host.
  const [host, ...hosts] = valuesOf(raw, 'x-forwarded-host');
  return host === undefined || hosts.length > 0 ? invalid('x-forwarded-host') : { asked, method, target, host };
};
