import { resolve } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type FollowLog, followFiles, tellCertificate, type Watching } from '@sallyport/kit/tls-files';
import { expiryOf, readAuthorities, readPair } from '@sallyport/kit/tls-pem';
import type { GatewaySettings } from '../config.ts';
import { upstreamTlsFiles } from '../settings/tls.ts';

/** What the gateway's connections to services begin with. */
export interface ServiceTrust {
  /** For a connection that is opened now. */
  context(): SecureContext;
  /** When the certificate that is shown to services expires; undefined: none is shown. Milliseconds since 1970. */
  readonly expiresAtMs: (() => number) | undefined;
  follow(log: FollowLog, nowMs: () => number): Watching;
}

type TrustSettings = Pick<GatewaySettings, 'upstreamCaPath' | 'upstreamClientCertPath' | 'upstreamClientKeyPath'>;

/**
 * Whose certificates services may show, instead of those that the system believes: who runs a gateway in front of its own services
 * has no reason to believe the world's authorities about them. And which one the gateway shows to services that ask for one.
 * Undefined: the system's list, and no certificate.
 * @throws SettingsError where a file cannot be used
 */
export const openTrust = (settings: TrustSettings): ServiceTrust | undefined => {
  const { certPath, keyPath, prefix } = upstreamTlsFiles(settings);
  const ca = settings.upstreamCaPath === undefined ? undefined : resolve(settings.upstreamCaPath);
  const pair =
    certPath === undefined || keyPath === undefined
      ? undefined
      : {
          cert: { path: resolve(certPath), setting: `${prefix}CERT_PATH` },
          key: { path: resolve(keyPath), setting: `${prefix}KEY_PATH` },
        };
  if (ca === undefined && pair === undefined) return undefined;
  const read = () => {
    const authorities = ca === undefined ? undefined : readAuthorities(ca, 'UPSTREAM_CA_PATH');
    const own = pair === undefined ? undefined : readPair(pair);
    const context = createSecureContext({
      ...(authorities && { ca: [...authorities] }),
      ...own,
      minVersion: 'TLSv1.2',
    });
    return { context, cert: own?.cert ?? '', text: `${authorities}${own?.cert}` };
  };
  const paths = [...(ca === undefined ? [] : [ca]), ...(pair === undefined ? [] : [pair.cert.path, pair.key.path])];
  const followed = followFiles({ paths, read, isSame: (before, now) => before.text === now.text });
  const tell = (cert: string, log: FollowLog, nowMs: number): void => {
    if (cert !== '') tellCertificate(cert, log, nowMs);
  };
  return Object.freeze<ServiceTrust>({
    context: () => followed.current().context,
    expiresAtMs: pair && (() => expiryOf(followed.current().cert)),
    follow: (log, nowMs) => {
      tell(followed.current().cert, log, nowMs());
      return followed.watch(log, ({ cert }) => tell(cert, log, nowMs()));
    },
  });
};
