/** TLS at the issuer's two sides: its clients, and those who read its private listeners. */
import { textSetting } from '@sallyport/kit/config';
import type { TlsFiles } from '@sallyport/kit/tls-certificate';

export const tlsSettings = {
  tlsCertPath: textSetting({
    env: 'AUTH_TLS_CERT_PATH',
    optional: true,
    doc: 'Certificate and its chain as PEM: the public listener speaks TLS. Read again when the file changes, and on SIGHUP. Default: plain HTTP.',
  }),
  tlsKeyPath: textSetting({
    env: 'AUTH_TLS_KEY_PATH',
    optional: true,
    doc: 'Private key of that certificate as PEM. Required with it.',
  }),
  tlsClientCaPath: textSetting({
    env: 'AUTH_TLS_CLIENT_CA_PATH',
    optional: true,
    doc: 'Authorities (PEM): clients of the public listener show a certificate of one of them, or get no connection; for an issuer that gateways alone call. Default: clients are not asked.',
  }),
  privateTlsCertPath: textSetting({
    env: 'AUTH_PRIVATE_TLS_CERT_PATH',
    optional: true,
    doc: 'Certificate and its chain as PEM: the private listeners (feed, metrics, admin API; also those of a relay) speak TLS. Default: plain HTTP.',
  }),
  privateTlsKeyPath: textSetting({
    env: 'AUTH_PRIVATE_TLS_KEY_PATH',
    optional: true,
    doc: 'Private key of that certificate as PEM. Required with it.',
  }),
  privateTlsClientCaPath: textSetting({
    env: 'AUTH_PRIVATE_TLS_CLIENT_CA_PATH',
    optional: true,
    doc: 'Authorities (PEM): clients of the private listener (feed, metrics; not of the admin API) show a certificate of one of them, or get no connection. Default: clients are not asked.',
  }),
};

type TlsValues = { readonly [Name in keyof typeof tlsSettings]?: string | undefined };

export const publicTlsFiles = ({ tlsCertPath, tlsKeyPath, tlsClientCaPath }: TlsValues): TlsFiles => ({
  ...{ prefix: 'AUTH_TLS_', certPath: tlsCertPath, keyPath: tlsKeyPath, clientCaPath: tlsClientCaPath },
});

export const privateTlsFiles = (values: TlsValues): TlsFiles => ({
  prefix: 'AUTH_PRIVATE_TLS_',
  certPath: values.privateTlsCertPath,
  keyPath: values.privateTlsKeyPath,
  clientCaPath: values.privateTlsClientCaPath,
});
