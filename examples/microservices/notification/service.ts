import type { ServiceDefinition } from '../service/run-service.ts';
import { readSecret } from '../service/settings.ts';
import { inboxRoutes } from './inbox.ts';
import { openNotifications } from './notifications.ts';
import { notificationRoutes } from './routes.ts';

/** Setting of its own: `NOTIFICATION_TOKEN`, what a service shows that may add notifications. */
export const notificationService: ServiceDefinition = {
  name: 'notification-service',
  port: 8084,
  open: ({ dataDir }, env) => {
    const token = readSecret(env, 'NOTIFICATION_TOKEN');
    const notifications = openNotifications(dataDir, { nowMs: () => Date.now() });
    return {
      routes: (app) => notificationRoutes(app, notifications),
      privateRoutes: (app) => inboxRoutes(app, { notifications, token }),
      isReady: notifications.isReady,
      close: notifications.close,
    };
  },
};
