import { urlOf } from '@sallyport/example-kit/environment';
import type { ServiceDefinition } from '../service/run-service.ts';
import { localUrl, readFetch } from '../service/settings.ts';
import { createDeleteAccount } from './delete-account.ts';
import { openProfiles } from './profiles.ts';
import { userRoutes } from './routes.ts';

/** Its id at the gateway, its port and its parts. Setting of its own: `AUTH_SERVICE_URL`, the issuer. */
export const userService: ServiceDefinition = {
  name: 'user-service',
  port: 8082,
  open: ({ dataDir }, env) => {
    const issuerUrl = urlOf(env, 'AUTH_SERVICE_URL', localUrl(env, 8081));
    const profiles = openProfiles(dataDir);
    const deleteAccount = createDeleteAccount({ profiles, issuerUrl, fetch: readFetch(env, issuerUrl) });
    return {
      routes: (app) => userRoutes(app, { profiles, deleteAccount }),
      isReady: profiles.isReady,
      close: profiles.close,
    };
  },
};
