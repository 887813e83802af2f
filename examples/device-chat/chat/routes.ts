import { Problem } from '@sallyport/contract';
import { type Identity, requireUser } from '@sallyport/verify';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { ChatApp } from './app.ts';
import type { Message, Rooms } from './rooms.ts';

const closed = { additionalProperties: false } as const;
const roomId = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' });
const messageId = Type.String({ minLength: 1, maxLength: 64 });
const sendBody = Type.Object(
  { room_id: roomId, message: Type.String({ minLength: 1, maxLength: 4000, pattern: '^\\P{Cs}*$' }) },
  closed,
);
const createBody = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100, pattern: '^[^\\p{Cc}\\p{Cs}]*$' }),
    room_id: Type.Optional(roomId),
  },
  closed,
);
const roomBody = Type.Object({ room_id: roomId }, closed);
const roomParams = Type.Object({ room_id: roomId }, closed);
/** Numbers in a query are text. */
const pageQuery = Type.Object(
  { limit: Type.Optional(Type.String({ pattern: '^[0-9]{1,3}$' })), before: Type.Optional(messageId) },
  closed,
);

const maxPage = 100;
const usualPage = 50;

export interface ChatRoutesParts {
  readonly rooms: Rooms;
  readonly roomsPerUser: number;
  readonly newId: () => string;
  readonly nowMs: () => number;
  /** Told of every message that was stored. */
  readonly onMessage: (roomId: string, message: Message) => void;
}

const refuse = (kind: 'no_room' | 'no_member'): Problem =>
  new Problem(kind === 'no_room' ? 'not_found' : 'permission_denied');

/** The issuer's word for what somebody is called; nobody else may write under it. */
const usernameOf = ({ claims }: Identity): string | undefined =>
  'preferred_username' in claims ? claims.preferred_username : undefined;

/** `request.identity` is what the access token says, verified. Members alone read and write; anyone signed in may join by id. */
export const chatRoutes = (app: ChatApp, { rooms, roomsPerUser, newId, nowMs, onMessage }: ChatRoutesParts): void => {
  const full = (): Problem => new Problem('quota_reached', { params: { limit: roomsPerUser } });
  /** Who calls, and from now on has a name here. */
  const callerOf = ({ identity }: Pick<FastifyRequest, 'identity'>): string => {
    const user = requireUser(identity);
    const username = usernameOf(user);
    if (username !== undefined) rooms.meet(user.userId, username);
    return user.userId;
  };

  app.post('/api/rooms/create', { schema: { body: createBody } }, (request) => {
    const userId = callerOf(request);
    const { name, room_id = newId() } = request.body;
    const made = rooms.create({ room_id, name }, userId);
    if (made === 'full') throw full();
    if (made === 'taken')
      throw new Problem('already_exists', { fields: [{ path: '/room_id', code: 'already_exists' }] });
    return { room_id };
  });

  app.post('/api/rooms/join', { schema: { body: roomBody } }, (request) => {
    const { room_id } = request.body;
    const joined = rooms.join(room_id, callerOf(request));
    if (joined !== 'joined') throw joined === 'full' ? full() : refuse(joined);
    return { status: joined, room_id };
  });

  app.post('/api/rooms/leave', { schema: { body: roomBody } }, (request) => {
    const { room_id } = request.body;
    if (!rooms.leave(room_id, requireUser(request.identity).userId)) throw refuse('no_room');
    return { status: 'left', room_id };
  });

  app.get('/api/rooms', (request) => ({ rooms: rooms.of(requireUser(request.identity).userId) }));

  app.get('/api/rooms/:room_id/people', { schema: { params: roomParams } }, (request) => {
    const { room_id } = request.params;
    const found = rooms.people(room_id, requireUser(request.identity).userId);
    if (found.kind !== 'people') throw refuse(found.kind);
    return { room_id, people: found.people };
  });

  app.post('/api/messages/send', { schema: { body: sendBody } }, (request) => {
    const userId = callerOf(request);
    const { room_id, message: text } = request.body;
    const message = { id: newId(), user_id: userId, message: text, created_at: new Date(nowMs()).toISOString() };
    const posted = rooms.post(room_id, message);
    if (posted.kind !== 'posted') throw refuse(posted.kind);
    onMessage(room_id, message);
    return { status: 'message sent', user_id: userId, message_id: message.id };
  });

  app.get('/api/messages/:room_id', { schema: { params: roomParams, querystring: pageQuery } }, (request) => {
    const { userId } = requireUser(request.identity);
    const { room_id } = request.params;
    const { limit = String(usualPage), before } = request.query;
    if (Number(limit) < 1 || Number(limit) > maxPage)
      throw new Problem('query_invalid', { fields: [{ path: '/limit', code: 'query_invalid' }] });
    const page = { roomId: room_id, userId, limit: Number(limit), ...(before !== undefined && { before }) };
    const found = rooms.read(page);
    if (found.kind !== 'read') throw refuse(found.kind);
    return { room_id, user_id: userId, messages: found.messages };
  });
};
