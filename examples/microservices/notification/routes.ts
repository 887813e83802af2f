import { Problem } from '@sallyport/contract';
import { Type } from 'typebox';
import type { ServiceApp } from '../service/app.ts';
import { callerOf } from '../service/caller.ts';
import type { Notification, Notifications } from './notifications.ts';

const listLimit = 100;
const closed = { additionalProperties: false } as const;
const page = Type.Object({ before: Type.Optional(Type.String({ maxLength: 36 })) }, closed);
const params = Type.Object({ id: Type.String() }, closed);

export const notificationRoutes = (app: ServiceApp, notifications: Notifications): void => {
  /** The newest hundred; `?before=<id>` gives the next ones. */
  app.get('/notifications', { schema: { querystring: page } }, (request) => {
    const { userId } = callerOf(request);
    return { notifications: notifications.list(userId, listLimit, request.query.before).map(view) };
  });

  app.post('/notifications/:id/read', { schema: { params } }, (request) => {
    const { userId } = callerOf(request);
    const notification = notifications.markRead(userId, request.params.id);
    // The same answer for what does not exist and for what is somebody else's.
    if (notification === undefined) throw new Problem('not_found');
    return { message: 'Notification marked as read', notification: view(notification) };
  });
};

const view = ({ id, text, createdAtMs, readAtMs }: Notification) => ({
  id,
  text,
  read: readAtMs !== undefined,
  created_at: new Date(createdAtMs).toISOString(),
  read_at: readAtMs === undefined ? null : new Date(readAtMs).toISOString(),
});
