import { createHash, timingSafeEqual } from 'node:crypto';
import { Problem } from '@sallyport/contract';
import { Type } from 'typebox';
import type { ServiceApp } from '../service/app.ts';
import type { Notifications } from './notifications.ts';

export interface InboxParts {
  readonly notifications: Pick<Notifications, 'add'>;
  readonly token: string;
}

const uuid = Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' });
const newNotification = Type.Object(
  { id: uuid, user_id: uuid, text: Type.String({ minLength: 1, maxLength: 1000 }) },
  { additionalProperties: false },
);

/**
 * `POST /v1/notifications` on the private listener, for services that hold `NOTIFICATION_TOKEN`. The loopback alone is no
 * proof: every process of the machine reaches it.
 */
export const inboxRoutes = (app: ServiceApp, { notifications, token }: InboxParts): void => {
  const expected = digest(`Bearer ${token}`);
  app.post(
    '/v1/notifications',
    {
      // Before the body is read: a stranger learns nothing about what a right one looks like.
      onRequest: (request, _reply, done) => {
        const given = digest(request.headers.authorization ?? '');
        done(timingSafeEqual(given, expected) ? undefined : new Problem('token_invalid'));
      },
      schema: { body: newNotification },
    },
    (request, reply) => {
      const { id, user_id: userId, text } = request.body;
      notifications.add({ id, userId, text });
      return reply.code(204).send();
    },
  );
};

/** Equal lengths, which `timingSafeEqual` asks for. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
