import { randomBytes } from 'node:crypto';
import { feedTokenOf } from '@sallyport/auth/maintenance';
import { assertionKeysText } from '@sallyport/gateway/maintenance';
import { type ChildServer, type Settings, startServer } from './child-server.ts';
import { freePort } from './free-ports.ts';
import { type Issuer, type IssuerFolder, issuerFolder, startIssuer } from './issuer.ts';

const newSecret = (): string => randomBytes(32).toString('base64url');

/** Secrets of one installation, as an operator or the supervisor would hand them out. */
export interface Installation {
  readonly folder: IssuerFolder;
  readonly gatewaySecret: string;
  readonly notificationToken: string;
  readonly gatewaySettings: Settings;
  assertionKeys(service: string): string;
}

export const newInstallation = (folder: IssuerFolder = issuerFolder()): Installation => {
  const master = randomBytes(32);
  const gatewaySecret = newSecret();
  const { JWT_SECRET = '', CSRF_KEYS = '' } = folder.settings;
  return {
    folder,
    gatewaySecret,
    notificationToken: newSecret(),
    assertionKeys: (service) => assertionKeysText(service, [{ kid: 'm1', key: master }]),
    gatewaySettings: {
      SALLYPORT_PRESET: 'microservices',
      GATEWAY_PORT: '0',
      GATEWAY_PRIVATE_PORT: '0',
      GATEWAY_SECRET: gatewaySecret,
      GATEWAY_MASTER_KEYS: `m1:${master.toString('base64url')}`,
      JWT_SECRET,
      CSRF_KEYS,
      REVOCATION_FEED_TOKEN: feedTokenOf('api-gateway', folder.settings),
      // Tests come from one address, and faster than any person.
      FLOOD_LIMIT_PER_MINUTE: '0',
    },
  };
};

/** Starts the gateway alone; where the services are stands in `settings`. Without the address of a feed it subscribes to none. */
export const startGateway = (
  { folder, gatewaySettings }: Installation,
  settings: Settings = {},
): Promise<ChildServer> => {
  const feed = 'REVOCATION_FEED_URL' in settings ? {} : { REVOCATION_FEED: 'off' };
  const env = { ...gatewaySettings, ...feed, ...settings };
  return startServer(import.meta.resolve('@sallyport/gateway/main'), env, folder.path);
};

export interface Microservices {
  readonly installation: Installation;
  readonly issuer: Issuer;
  readonly gateway: ChildServer;
  readonly users: ChildServer;
  readonly payments: ChildServer;
  readonly notifications: ChildServer;
  remove(): Promise<void>;
}

export interface MicroservicesSettings {
  readonly issuer?: Settings;
  readonly gateway?: Settings;
}

const entries = {
  'user-service': import.meta.resolve('@sallyport/example-microservices/user/main'),
  'payment-service': import.meta.resolve('@sallyport/example-microservices/payment/main'),
  'notification-service': import.meta.resolve('@sallyport/example-microservices/notification/main'),
} as const;

/** The whole of the preset, each server a process of its own with its own secrets only. */
export const startMicroservices = async (
  given: MicroservicesSettings = {},
  installation: Installation = newInstallation(),
): Promise<Microservices> => {
  const { folder, notificationToken: NOTIFICATION_TOKEN } = installation;
  const assertionKeys = (name: string) => ({ GATEWAY_ASSERTION_KEYS: installation.assertionKeys(name) });
  const startService = async (name: keyof typeof entries, settings: Settings): Promise<ChildServer> => {
    const env = {
      PORT: String(await freePort()),
      SALLYPORT_DATA_DIR: folder.path,
      ...assertionKeys(name),
      ...settings,
    };
    return startServer(entries[name], env, folder.path);
  };
  const [issuer, notifications] = await Promise.all([
    startIssuer({ ...assertionKeys('auth-service'), ...given.issuer }, folder),
    startService('notification-service', { NOTIFICATION_TOKEN }),
  ]);
  const [users, payments] = await Promise.all([
    startService('user-service', { AUTH_SERVICE_URL: issuer.url }),
    startService('payment-service', { NOTIFICATION_TOKEN, NOTIFICATION_PRIVATE_URL: notifications.privateUrl }),
  ]);
  const gateway = await startGateway(installation, {
    AUTH_SERVICE_URL: issuer.url,
    REVOCATION_FEED_URL: issuer.privateUrl,
    USER_SERVICE_URL: users.url,
    PAYMENT_SERVICE_URL: payments.url,
    NOTIFICATION_SERVICE_URL: notifications.url,
    ...given.gateway,
  });
  return {
    installation,
    issuer,
    gateway,
    users,
    payments,
    notifications,
    remove: async () => {
      await Promise.all([gateway, users, payments, notifications].map((server) => server.stop()));
      await issuer.remove();
    },
  };
};
