import type { ChildServer, Settings } from './child-server.ts';
import { startServer } from './child-server.ts';
import { freePort } from './free-ports.ts';
import { type Issuer, issuerFolder, startIssuer } from './issuer.ts';
import { type Installation, newInstallation, startGateway } from './microservices.ts';

export interface EdgeGateway {
  readonly installation: Installation;
  readonly issuer: Issuer;
  readonly gateway: ChildServer;
  readonly backend: ChildServer;
  /** Leaves the data folder. */
  stop(): Promise<void>;
  remove(): Promise<void>;
}

export interface EdgeGatewaySettings {
  readonly issuer?: Settings;
  readonly gateway?: Settings;
}

const preset = { SALLYPORT_PRESET: 'edge-gateway' };
const entry = import.meta.resolve('@sallyport/example-edge-gateway/main');

/** The whole of the preset `edge-gateway`, each server a process of its own with its own secrets only. */
export const startEdgeGateway = async (
  given: EdgeGatewaySettings = {},
  installation: Installation = newInstallation(edgeFolder()),
): Promise<EdgeGateway> => {
  const { folder } = installation;
  const assertionKeys = (name: string) => ({ GATEWAY_ASSERTION_KEYS: installation.assertionKeys(name) });
  const backendSettings = {
    PORT: String(await freePort()),
    SALLYPORT_DATA_DIR: folder.path,
    ...assertionKeys('backend'),
  };
  const [issuer, backend] = await Promise.all([
    startIssuer({ ...assertionKeys('auth-service'), ...given.issuer }, folder),
    startServer(entry, backendSettings, folder.path),
  ]);
  const gateway = await startGateway(installation, {
    ...preset,
    AUTH_SERVICE_URL: issuer.url,
    REVOCATION_FEED_URL: issuer.privateUrl,
    BACKEND_SERVICE_URL: backend.url,
    ...given.gateway,
  });
  return {
    installation,
    issuer,
    gateway,
    backend,
    stop: async () => {
      await Promise.all([gateway, backend, issuer].map((server) => server.stop()));
    },
    remove: async () => {
      await Promise.all([gateway, backend].map((server) => server.stop()));
      await issuer.remove();
    },
  };
};

/** A data folder of the preset. */
export const edgeFolder = (): ReturnType<typeof issuerFolder> => {
  const folder = issuerFolder();
  return { ...folder, settings: { ...folder.settings, ...preset } };
};
