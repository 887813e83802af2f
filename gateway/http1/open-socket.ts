import { connect, isIP, type OnReadOpts, type Socket, type TcpSocketConnectOpts } from 'node:net';
import { connect as connectTls, type SecureContext, type ConnectionOptions as TlsOptions } from 'node:tls';

/** Where a service is. */
export interface ServiceAddress {
  readonly host: string;
  readonly port: number;
  /** Speaks TLS, and the service's certificate is verified against its name. */
  readonly isTls: boolean;
  /** `Host` of requests. */
  readonly hostHeader: string;
  /** Whose certificates are believed, and which one is shown. Default: the system's list and NODE_EXTRA_CA_CERTS; none. */
  readonly trust?: Trust | undefined;
}

/** Asked at each new connection: certificates are renewed while the gateway runs. */
export interface Trust {
  context(): SecureContext;
}

/** `http://host:port` or `https://…`. */
export const serviceAddress = (origin: string, trust?: Trust): ServiceAddress => {
  const { protocol, hostname, port, host } = new URL(origin);
  const isTls = protocol === 'https:';
  return Object.freeze({
    // `[::1]` is how a URL writes the address.
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || (isTls ? 443 : 80)),
    isTls,
    hostHeader: host,
    ...(isTls && trust && { trust }),
  });
};

/** Begins to connect. `localhost` may be ::1 or 127.0.0.1; RFC 8305: both are tried. */
export const openSocket = ({ host, port, isTls, trust }: ServiceAddress, onread?: OnReadOpts): Socket => {
  const options: TcpSocketConnectOpts & { readonly onread?: OnReadOpts } = {
    host,
    port,
    autoSelectFamily: true,
    ...(onread && { onread }),
  };
  const socket = isTls ? connectTls(secureOptions(options, trust)) : connect(options);
  // Heads are written whole: to wait for more would only delay them.
  socket.setNoDelay(true);
  return socket;
};

const secureOptions = (options: TcpSocketConnectOpts, trust?: Trust): TcpSocketConnectOpts & TlsOptions => ({
  ...options,
  ...(trust && { secureContext: trust.context() }),
  ALPNProtocols: ['http/1.1'],
  // RFC 6066 §3: literal addresses are no server names.
  ...(isIP(options.host ?? '') === 0 && { servername: options.host ?? '' }),
});
