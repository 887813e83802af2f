import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { feedTokenOf } from '@sallyport/auth/maintenance';
import { type ChildServer, type Settings, startServer } from './child-server.ts';
import { freePort } from './free-ports.ts';
import { type Issuer, type IssuerFolder, issuerFolder, startIssuer } from './issuer.ts';

export interface DeviceChat {
  readonly folder: IssuerFolder;
  readonly issuer: Issuer;
  readonly chat: ChildServer;
  remove(): Promise<void>;
}

export const chatEntry = import.meta.resolve('@sallyport/example-device-chat/main');

/** A data folder of the preset, with an RSA key as `npm start` makes one. */
export const deviceFolder = (): IssuerFolder => {
  const folder = issuerFolder();
  const path = join(folder.path, 'jwt_private_key.pem');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(path, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  const { JWT_SECRET: _none, ...settings } = folder.settings;
  return { ...folder, settings: { ...settings, SALLYPORT_PRESET: 'device-chat', JWT_PRIVATE_KEY_PATH: path } };
};

/** The whole of the preset `device-chat`, each server a process of its own. */
export const startDeviceChat = async (
  given: { readonly issuer?: Settings; readonly chat?: Settings } = {},
  folder: IssuerFolder = deviceFolder(),
): Promise<DeviceChat> => {
  const issuer = await startIssuer({ ...given.issuer }, folder);
  const chat = await startServer(
    chatEntry,
    {
      PORT: String(await freePort()),
      SALLYPORT_DATA_DIR: folder.path,
      USER_SERVICE_URL: issuer.url,
      REVOCATION_FEED_URL: `${issuer.privateUrl}/v1/revocations`,
      REVOCATION_FEED_TOKEN: feedTokenOf('chat-service', folder.settings),
      ...given.chat,
    },
    folder.path,
  );
  return {
    folder,
    issuer,
    chat,
    remove: async () => {
      await chat.stop();
      await issuer.remove();
    },
  };
};
