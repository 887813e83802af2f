import { textSetting } from '@sallyport/kit/config';
import type { TlsFiles } from '@sallyport/kit/tls-certificate';

/** TLS at the gateway's three sides: its clients, those who read its private listener, the services and the issuer behind it. */
export const tlsSettings = {
  tlsCertPath: textSetting({
    env: 'GATEWAY_TLS_CERT_PATH',
    optional: true,
    doc: 'Certificate and its chain as PEM: the public listener speaks TLS. Read again when the file changes. Default: plain HTTP.',
  }),
  tlsKeyPath: textSetting({
    env: 'GATEWAY_TLS_KEY_PATH',
    optional: true,
    doc: 'Private key of that certificate as PEM. Required with it.',
  }),
  tlsClientCaPath: textSetting({
    env: 'GATEWAY_TLS_CLIENT_CA_PATH',
    optional: true,
    doc: 'Authorities (PEM): clients of the public listener show a certificate of one of them, or get no connection. Default: clients are not asked.',
  }),
  privateTlsCertPath: textSetting({
    env: 'GATEWAY_PRIVATE_TLS_CERT_PATH',
    optional: true,
    doc: 'Certificate and its chain as PEM: the private listener speaks TLS. Default: plain HTTP.',
  }),
  privateTlsKeyPath: textSetting({
    env: 'GATEWAY_PRIVATE_TLS_KEY_PATH',
    optional: true,
    doc: 'Private key of that certificate as PEM. Required with it.',
  }),
  privateTlsClientCaPath: textSetting({
    env: 'GATEWAY_PRIVATE_TLS_CLIENT_CA_PATH',
    optional: true,
    doc: 'Authorities (PEM): clients of the private listener show a certificate of one of them, or get no connection. Default: clients are not asked.',
  }),
  upstreamCaPath: textSetting({
    env: 'UPSTREAM_CA_PATH',
    optional: true,
    doc: "Certificates (PEM) of the authorities that services and the issuer (keys and revocation feed included) behind `https://` are believed by, and no others. Default: the system's list.",
  }),
  upstreamClientCertPath: textSetting({
    env: 'UPSTREAM_CLIENT_CERT_PATH',
    optional: true,
    doc: 'Certificate and its chain as PEM that the gateway shows to services and issuer behind `https://` which ask for one (mutual TLS). Read again when the file changes.',
  }),
  upstreamClientKeyPath: textSetting({
    env: 'UPSTREAM_CLIENT_KEY_PATH',
    optional: true,
    doc: 'Private key of that certificate as PEM. Required with it.',
  }),
};

type TlsValues = { readonly [Name in keyof typeof tlsSettings]?: string | undefined };

export const publicTlsFiles = ({ tlsCertPath, tlsKeyPath, tlsClientCaPath }: TlsValues): TlsFiles => ({
  ...{ prefix: 'GATEWAY_TLS_', certPath: tlsCertPath, keyPath: tlsKeyPath, clientCaPath: tlsClientCaPath },
});

export const privateTlsFiles = (values: TlsValues): TlsFiles => ({
  prefix: 'GATEWAY_PRIVATE_TLS_',
  certPath: values.privateTlsCertPath,
  keyPath: values.privateTlsKeyPath,
  clientCaPath: values.privateTlsClientCaPath,
});

/** The gateway as a client. */
export const upstreamTlsFiles = ({ upstreamClientCertPath, upstreamClientKeyPath }: TlsValues): TlsFiles => ({
  prefix: 'UPSTREAM_CLIENT_',
  certPath: upstreamClientCertPath,
  keyPath: upstreamClientKeyPath,
  clientCaPath: undefined,
});
