import { type ChildServer, type Settings, startServer } from './child-server.ts';
import { freePort } from './free-ports.ts';
import { type Issuer, issuerFolder, startIssuer } from './issuer.ts';
import { type Installation, newInstallation, startGateway } from './microservices.ts';

export interface EventDriven {
  readonly installation: Installation;
  readonly issuer: Issuer;
  readonly gateway: ChildServer;
  readonly profiles: ChildServer;
  /** Stops the profile service, and starts it again after `meanwhile`. */
  withoutProfiles(meanwhile: () => Promise<void>): Promise<void>;
  remove(): Promise<void>;
}

export interface EventDrivenSettings {
  readonly issuer?: Settings;
  readonly gateway?: Settings;
}

const preset = { SALLYPORT_PRESET: 'event-driven' };
const entry = import.meta.resolve('@sallyport/example-event-driven/main');

/** The whole of the preset `event-driven` on a Kafka, each server a process of its own with its own secrets only. */
export const startEventDriven = async (
  { brokers, topic }: { readonly brokers: string; readonly topic: string },
  given: EventDrivenSettings = {},
): Promise<EventDriven> => {
  const bare = issuerFolder();
  const installation = newInstallation({ ...bare, settings: { ...bare.settings, ...preset } });
  const { folder } = installation;
  const assertionKeys = (name: string) => ({ GATEWAY_ASSERTION_KEYS: installation.assertionKeys(name) });
  const kafka = { KAFKA_BROKERS: brokers, KAFKA_TOPIC: topic };
  const profileSettings = {
    PORT: String(await freePort()),
    SALLYPORT_DATA_DIR: folder.path,
    KAFKA_GROUP_ID: `profiles-of-${topic}`,
    ...kafka,
    ...assertionKeys('profile-service'),
  };
  const issuerSettings = { ...kafka, ...assertionKeys('auth-service'), ...given.issuer };
  const startProfiles = () => startServer(entry, profileSettings, folder.path);
  const [issuer, first] = await Promise.all([startIssuer(issuerSettings, folder), startProfiles()]);
  let profiles = first;
  const gateway = await startGateway(installation, {
    ...preset,
    AUTH_SERVICE_URL: issuer.url,
    REVOCATION_FEED_URL: issuer.privateUrl,
    PROFILE_SERVICE_URL: profiles.url,
    ...given.gateway,
  });
  return {
    installation,
    issuer,
    gateway,
    get profiles() {
      return profiles;
    },
    withoutProfiles: async (meanwhile) => {
      await profiles.stop();
      await meanwhile();
      profiles = await startProfiles();
    },
    remove: async () => {
      await Promise.all([gateway, profiles].map((server) => server.stop()));
      await issuer.remove();
    },
  };
};
