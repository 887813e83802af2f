import { Problem } from '@sallyport/contract';
import { createAddressList } from '../address/address-list.ts';
import { plainAddress } from '../address/client-address.ts';
import type { Exchange, Outcome, Step } from '../exchange.ts';
import { forwardAuthPath, isForwardAuth, readOriginal } from './read-original.ts';

export interface ForwardAuthOptions {
  /** FORWARD_AUTH_PROXIES: who may ask. None: the path is one like any other. */
  readonly proxies: readonly string[];
}

/**
 * Puts the request that a proxy asks about in the place of the ask; the steps behind judge that one. It stands after the flood
 * limit, where the ask has counted for the client's address, also one that is refused here.
 */
export const forwardAuth = ({ proxies }: ForwardAuthOptions): Step => {
  const name = 'forward auth';
  if (proxies.length === 0) return { name, run: () => undefined };
  const list = createAddressList(proxies);

  const run = (exchange: Exchange): Outcome => {
    const { req, method, rawTarget } = exchange;
    if (!isForwardAuth(rawTarget)) return undefined;
    // The socket's address, never a forwarded one: that of whoever can choose method and target.
    if (!list.has(plainAddress(req.socket.remoteAddress ?? '::'))) {
      return new Problem('route_unknown', { extensions: { path: forwardAuthPath } });
    }
    // Also for what is refused next: nginx reads refusals from a header.
    exchange.asked = 'original';
    const original = readOriginal(method, rawTarget, req.rawHeaders);
    if (original instanceof Problem) return original;
    // A proxy holds a WebSocket for ever; the gateway itself cuts it when its token ends.
    if (exchange.isUpgrade || isHandshake(req.rawHeaders)) return new Problem('upgrade_refused');
    // What a proxy sends on may be written anew from an absolute form; there would be two targets.
    if (!original.target.startsWith('/')) return new Problem('path_refused');
    exchange.method = original.method;
    exchange.rawTarget = original.target;
    exchange.asked = original.asked;
    // A 2xx would be taken for leave to send it on; the proxy sends preflights to the gateway itself, or answers them.
    exchange.isPreflight = false;
    if (original.host !== undefined) exchange.headers = { ...exchange.headers, host: [original.host] };
    return undefined;
  };
  return { name, run };
};

/** `Upgrade` belongs to one connection and is gone by now; RFC 6455 §4.1 has the key in every handshake. */
const isHandshake = (raw: readonly string[]): boolean =>
  raw.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'sec-websocket-key');
