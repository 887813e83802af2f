import type { Exchange, Outcome, Step } from '../exchange.ts';

/** What the service has to get as its target, for proxies that can be told: the assertion is bound to it. */
export const targetHeader = 'x-gateway-target';

/**
 * Lets the request pass that a proxy asks about: the identity headers that it has to put on. The service is the proxy's to
 * reach, so nothing is known here of its being overloaded or down.
 */
export const answerAsked = (): Step => {
  const run = ({ asked, forwardTarget, identityHeaders }: Exchange): Outcome => {
    if (asked === undefined) return undefined;
    const headers = [...identityHeaders, targetHeader, forwardTarget, 'cache-control', 'no-store'];
    return { status: 200, headers, body: '' };
  };
  return { name: 'answer asked', run };
};
