import type { Answer, Exchange, Step } from '../exchange.ts';

const empty: Answer = Object.freeze({ status: 204, headers: [], body: '' });
const capabilities: Answer = Object.freeze({
  status: 204,
  headers: ['allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'],
  body: '',
});

/**
 * Answers what asks about the gateway and not a service: CORS preflights (with the headers of the CORS step, none for a
 * foreign origin) and `OPTIONS *`. It stands after the flood limit because preflights count too.
 */
export const preflight = (): Step => ({
  name: 'preflight',
  run: ({ isPreflight, target }: Exchange) => {
    if (isPreflight) return empty;
    return target === '*' ? capabilities : undefined;
  },
});
