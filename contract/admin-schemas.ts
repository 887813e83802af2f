/** What the admin API takes and answers. Queries are text: nothing is converted, so their members are patterns. */
import { type TObject, Type } from 'typebox';
import { closed, limits, oneLine, password, profileFields } from './field-schemas.ts';

const id = Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' });
const kid = Type.String({ pattern: '^[A-Za-z0-9._~-]{1,200}$' });
const time = Type.String({ format: 'date-time' });
/** What stands in tokens, headers and logs: one visible word. */
const word = Type.String({ pattern: '^[\\x21-\\x2b\\x2d-\\x7b\\x7d\\x7e]{1,128}$' });
const words = Type.Array(word, { maxItems: 200 });
const text = (maxLength: number) => Type.String({ ...oneLine, minLength: 1, maxLength });

export const idParams: TObject = Type.Object({ id }, closed);
export const kidParams: TObject = Type.Object({ kid }, closed);
export const rootParams: TObject = Type.Object({ kid: Type.String({ pattern: '^(0|[1-9][0-9]{0,4})$' }) }, closed);

/** At most 1,000 in a page; 100 where nothing is said. */
const limit = Type.String({ pattern: '^([1-9]\\d{0,2}|1000)$', description: '1 to 1000, default 100' });
const moment = Type.String({
  pattern: '^\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,3})?)?(Z|[+-]\\d\\d:\\d\\d))?$',
  description: 'a day (UTC), or a time with its zone',
});
const optional = (members: Readonly<Record<string, ReturnType<typeof Type.String>>>): TObject =>
  Type.Object(Object.fromEntries(Object.entries(members).map(([name, one]) => [name, Type.Optional(one)])), closed);

export const usersQuery = optional({
  search: text(limits.emailLength),
  after: Type.String({ ...oneLine, minLength: 1, maxLength: 1024, description: '`next` of the page before' }),
  limit,
});
export const auditQuery = optional({
  user: id,
  type: Type.String({ pattern: '^[a-z_]{1,50}$' }),
  address: Type.String({ pattern: '^[0-9a-fA-F.:%]{2,50}$' }),
  since: moment,
  until: moment,
  before: id,
  limit,
});
const eventFilter = {
  type: Type.String({ pattern: '^[A-Z_]{1,50}$' }),
  user: id,
  since: moment,
  until: moment,
  state: Type.String({ pattern: '^(pending|published|dead)$' }),
};
const position = Type.String({ pattern: '^\\d{1,15}$', description: '`next` of the page before' });
export const eventsQuery = optional({ ...eventFilter, after: position, limit });

export const newUserBody = Type.Object(
  {
    identifier: Type.String({
      ...oneLine,
      minLength: 1,
      maxLength: limits.emailLength,
      description: 'e-mail or user name, as the issuer logs in',
    }),
    password,
    name: Type.Optional(profileFields.name),
    roles: Type.Optional(words),
    permissions: Type.Optional(words),
  },
  closed,
);
export const rolesBody = Type.Object({ roles: words, permissions: words }, closed);
export const replayBody = Type.Object(
  {
    ids: Type.Optional(Type.Array(id, { minItems: 1, maxItems: 1000 })),
    filter: Type.Optional(optional(eventFilter)),
  },
  { ...closed, description: 'either `ids`, or a `filter` with one member at least' },
);

export const adminUser = Type.Object(
  {
    id: Type.String(),
    email: Type.Optional(Type.String()),
    username: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
    roles: Type.Array(Type.String()),
    permissions: Type.Array(Type.String()),
    state: Type.Union([Type.Literal('enabled'), Type.Literal('disabled')]),
    created_at: time,
  },
  { ...closed, title: 'Account' },
);
export const adminSession = Type.Object(
  {
    id: Type.String(),
    created_at: time,
    last_seen_at: time,
    expires_at: time,
    amr: Type.Array(Type.String()),
    device_id: Type.Optional(Type.String()),
    address: Type.Optional(Type.String()),
    user_agent: Type.Optional(Type.String()),
  },
  { ...closed, title: 'AccountSession' },
);
export const adminDevice = Type.Object(
  {
    id: Type.String(),
    name: Type.Optional(Type.String()),
    curve: Type.String(),
    created_at: time,
    has_proof_key: Type.Boolean({ description: 'a refresh is bound to a second key' }),
    trusted_until: Type.Optional(time),
    last_seen_at: Type.Optional(time),
    address: Type.Optional(Type.String()),
    user_agent: Type.Optional(Type.String()),
  },
  { ...closed, title: 'AccountDevice' },
);
export const adminKey = Type.Object(
  {
    kid: Type.String(),
    algorithm: Type.String(),
    state: Type.Union([Type.Literal('next'), Type.Literal('current'), Type.Literal('retired')]),
    created_at: time,
    signs_from: time,
    verifies_until: Type.Optional(time),
    held_by: Type.Optional(
      Type.Union([Type.Literal('vault'), Type.Literal('kms')], {
        description: 'who has the private half; absent: the store',
      }),
    ),
  },
  { ...closed, title: 'SigningKey' },
);
export const adminRoot = Type.Object(
  {
    kid: Type.String(),
    state: Type.Union([Type.Literal('first'), Type.Literal('held'), Type.Literal('missing')]),
    needed: Type.Boolean({ description: 'false: it may go from SALLYPORT_ROOT_KEYS' }),
    values: Type.Record(Type.String(), Type.Integer()),
    sessions: Type.Integer(),
    sessions_until: Type.Optional(time),
    checkpoints: Type.Integer(),
  },
  { ...closed, title: 'RootKeyUse' },
);
export const adminRemovedRoot = Type.Object(
  {
    removed: Type.Literal(true),
    sessions: Type.Integer({ description: 'ended' }),
    begun_meanwhile: Type.Integer({ description: 'live again: an issuer still derives with the key' }),
    resealed: Type.Integer({ description: 'values that are sealed under the first root key now' }),
    unopened: Type.Integer({ description: 'values that no root key of the issuer opens' }),
  },
  { ...closed, title: 'RemovedRootKey' },
);
export const adminEvent = Type.Object(
  {
    id: Type.String(),
    type: Type.String(),
    version: Type.Integer(),
    user: Type.String({ description: 'whom or what it tells of' }),
    time,
    state: Type.Union([Type.Literal('pending'), Type.Literal('published'), Type.Literal('dead')]),
    tries: Type.Integer(),
    reason: Type.Optional(Type.String()),
    published_at: Type.Optional(time),
    data: Type.Unknown(),
  },
  { ...closed, title: 'StoredEvent' },
);
export const auditRecord = Type.Object(
  {
    id: Type.String(),
    event_type: Type.String(),
    created_at: time,
    actor: Type.String({ description: '`user`, `admin` (on the host), `system`, or the id of a credential' }),
    user_id: Type.Optional(Type.String()),
    session_id: Type.Optional(Type.String()),
    device_id: Type.Optional(Type.String()),
    ip_address: Type.Optional(Type.String()),
    user_agent: Type.Optional(Type.String()),
    request_id: Type.String(),
    details: Type.Unknown(),
  },
  { ...closed, title: 'AuditRecord' },
);
export const auditReport = Type.Object(
  {
    passed: Type.Boolean(),
    findings: Type.Array(Type.Unknown()),
    records: Type.Integer(),
    lastPlace: Type.Integer(),
    cutAt: Type.Integer(),
    checkpoints: Type.Integer(),
    uncheckedCheckpoints: Type.Integer(),
    uncheckedRecords: Type.Integer(),
    unsigned: Type.Integer(),
    unsealed: Type.Integer(),
    openIntents: Type.Array(Type.Unknown()),
  },
  { ...closed, title: 'AuditReport', description: 'as `sallyport audit verify --json` prints it' },
);
