import { urlOf } from '@sallyport/example-kit/environment';
import type { ServiceDefinition } from '../service/run-service.ts';
import { localUrl, readFetch, readSecret } from '../service/settings.ts';
import { createUuidv7 } from '../service/uuid.ts';
import { createNotify } from './notify.ts';
import { startOutbox } from './outbox.ts';
import { openPayments } from './payments.ts';
import { paymentRoutes } from './routes.ts';

/** Settings of its own: `NOTIFICATION_PRIVATE_URL`, the notification service's private listener, and `NOTIFICATION_TOKEN`. */
export const paymentService: ServiceDefinition = {
  name: 'payment-service',
  port: 8083,
  open: ({ dataDir }, env) => {
    const nowMs = () => Date.now();
    const url = urlOf(env, 'NOTIFICATION_PRIVATE_URL', localUrl(env, 9084));
    const notify = createNotify({
      url,
      fetch: readFetch(env, url),
      token: readSecret(env, 'NOTIFICATION_TOKEN'),
    });
    const payments = openPayments(dataDir, { createId: createUuidv7(nowMs), nowMs });
    const outbox = startOutbox({ payments, notify });
    return {
      routes: (app) => paymentRoutes(app, { payments, wakeOutbox: outbox.wake }),
      isReady: payments.isReady,
      close: async () => {
        await outbox.stop();
        payments.close();
      },
    };
  },
};
