import type { Answer } from './http-client.ts';

export interface SetCookie {
  readonly name: string;
  readonly value: string;
  /** Attributes as written, sorted: `Max-Age=604800`, `HttpOnly`, … */
  readonly attributes: readonly string[];
}

export const setCookies = ({ headers }: Answer): SetCookie[] =>
  (headers['set-cookie'] ?? []).map((line) => {
    const [pair = '', ...attributes] = line.split('; ');
    const equals = pair.indexOf('=');
    return { name: pair.slice(0, equals), value: pair.slice(equals + 1), attributes: attributes.sort() };
  });
