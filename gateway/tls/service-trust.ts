import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { GatewaySettings } from '../config.ts';
import { parsed, readPem } from './server-certificate.ts';

const setting = 'UPSTREAM_CA_PATH';
const onePem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Whose certificates services may show, instead of those that the system believes: who runs a gateway in front of its own services
 * has no reason to believe the world's authorities about them. Undefined: the system's list.
 * @throws SettingsError where the file holds no certificate
 */
export const openTrust = ({ upstreamCaPath }: Pick<GatewaySettings, 'upstreamCaPath'>): SecureContext | undefined => {
  if (upstreamCaPath === undefined) return undefined;
  const text = readPem(resolve(upstreamCaPath), setting);
  const ca = text.match(onePem) ?? [];
  return parsed(setting, 'holds no certificate (PEM)', () => {
    if (ca.length === 0) throw new TypeError('no certificate');
    for (const one of ca) new X509Certificate(one);
    return createSecureContext({ ca, minVersion: 'TLSv1.2' });
  });
};
