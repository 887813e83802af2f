/**
 * The events that leave Sallyport: for each type and version one JSON schema of its `data`. What is written is held against it, member by
 * member, so nothing leaves that does not stand here. A version only gains optional members; receivers pass over those that they do not
 * know. What would break a receiver is a new version. No secret is ever a member, and no more of a person than its use needs.
 */
import { type Static, type TObject, type TSchema, Type } from 'typebox';
import { Check } from 'typebox/value';

const uuid = (description: string) =>
  Type.String({ description, pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' });
const userId = uuid('The account.');
const sessionId = uuid('The login on one client.');
const deviceId = uuid('The registered key.');
const names = (description: string) => Type.Array(Type.String({ maxLength: 255 }), { description });

export const eventDefinitions = {
  USER_CREATED: {
    version: 1,
    about: 'An account was made.',
    data: Type.Object({
      user_id: userId,
      email: Type.Optional(
        Type.String({
          maxLength: 255,
          description: 'As it was written. Absent where the account has none, or was erased before the event left.',
        }),
      ),
      name: Type.Optional(
        Type.String({ maxLength: 100, description: 'Absent where none was given, or it was erased.' }),
      ),
      created_at: Type.String({
        pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
        description: 'RFC 3339, UTC.',
      }),
    }),
  },
  USER_UPDATED: {
    version: 1,
    about: 'An administrator changed an account.',
    data: Type.Object({
      user_id: userId,
      change: Type.Enum(['roles', 'disabled', 'enabled'], {
        description:
          '`disabled`: all sessions have ended with it. `roles`: the two lists below are all that the account has now.',
      }),
      roles: Type.Optional(names('With `roles`.')),
      permissions: Type.Optional(names('With `roles`.')),
    }),
  },
  USER_DELETED: {
    version: 1,
    about: 'An account was deleted, and its sessions with it. Whoever keeps data of the person deletes it.',
    data: Type.Object({ user_id: userId }),
  },
  PASSWORD_CHANGED: {
    version: 1,
    about: 'The password was changed. All sessions but the named one have ended.',
    data: Type.Object({ user_id: userId, session_id: Type.Optional(sessionId) }),
  },
  SESSION_STARTED: {
    version: 1,
    about: 'Somebody has logged in.',
    data: Type.Object({
      user_id: userId,
      session_id: sessionId,
      amr: Type.Optional(names('How it was proved who it is (RFC 8176), for example `pwd`.')),
    }),
  },
  SESSION_ENDED: {
    version: 1,
    about: 'A session has ended, or, without `session_id`, every session of the account; single ones may follow.',
    data: Type.Object({
      user_id: userId,
      session_id: Type.Optional(sessionId),
      cause: Type.String({
        pattern: '^[a-z_]{1,40}$',
        description:
          '`logout`, `logout_all`, `ended_by_user`, `replaced` (by a login on the same device), `evicted` (too many), `key_removed`, `restored` …; more may come.',
      }),
    }),
  },
  REFRESH_REUSED: {
    version: 1,
    about: 'A refresh token was used again after its time: it may have been stolen. The session has ended.',
    data: Type.Object({ user_id: userId, session_id: sessionId }),
  },
  DEVICE_REGISTERED: {
    version: 1,
    about: 'A device proved that it holds its key.',
    data: Type.Object({ user_id: userId, device_id: deviceId }),
  },
  DEVICE_REVOKED: {
    version: 1,
    about: 'A device may not be used any more.',
    data: Type.Object({ user_id: userId, device_id: deviceId }),
  },
  KEY_ROTATED: {
    version: 1,
    about: 'The issuer signs with another key. The subject is the key id.',
    data: Type.Object({
      kid: Type.String({ maxLength: 255, description: 'The key that signs from now on.' }),
      previous_kid: Type.Optional(Type.String({ maxLength: 255 })),
      algorithm: Type.String({ maxLength: 16 }),
    }),
  },
} as const satisfies Readonly<
  Record<string, { readonly version: number; readonly about: string; readonly data: TObject }>
>;

export type EventType = keyof typeof eventDefinitions;
export type EventData<Type extends EventType> = Static<(typeof eventDefinitions)[Type]['data']>;

export const eventTypes = Object.keys(eventDefinitions) as readonly EventType[];

export const isEventType = (text: string): text is EventType => Object.hasOwn(eventDefinitions, text);

interface SomeData {
  readonly properties: Readonly<Record<string, TSchema>>;
  readonly required?: readonly string[];
}

/** The members of `data` that are missing, of another form, or not in the schema; empty: it is as published. */
export const eventProblems = (type: EventType, data: Readonly<Record<string, unknown>>): readonly string[] => {
  const { properties, required = [] } = eventDefinitions[type].data as SomeData;
  const wrong = Object.entries(data).flatMap(([name, value]) => {
    const schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
    return schema !== undefined && Check(schema, value) ? [] : [name];
  });
  return [...wrong, ...required.filter((name) => !Object.hasOwn(data, name))];
};

/** Where the schema of a type stands below the place where all are published. */
export const eventSchemaPath = (type: string, version: number): string => `${type}/${version}.json`;

/** The schema of a type's `data` as a document of its own (JSON Schema 2020-12). */
export const eventSchema = (type: EventType): object => {
  const { about, version, data } = eventDefinitions[type];
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `${type}, version ${version}`,
    description: about,
    ...(JSON.parse(JSON.stringify(data)) as object),
  };
};
