/**
 * Routes from where they are written to where they are in force: form (`schema.ts`, `check-form.ts`), sense (`check-rules.ts`),
 * files (`read-route-file.ts`), reload (`route-source.ts`). Owns what may be written. Never: judges a request, or puts half a
 * table in force.
 */
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { serviceUrlSettings } from '../routes.ts';

const closed = { additionalProperties: false } as const;

/** Names in tokens hold no comma and no white space; a scope is one word too (RFC 6749 §3.3). */
const claimName = Type.String({ pattern: '^[^\\s,]{1,128}$' });
const claimNames = Type.Array(claimName, { minItems: 1, maxItems: 64, uniqueItems: true });
const needs = Type.Union([
  claimNames,
  Type.Object({ any: Type.Optional(claimNames), all: Type.Optional(claimNames) }, { ...closed, minProperties: 1 }),
]);
const oneOf = <const Word extends string>(...words: readonly Word[]) =>
  Type.Union(words.map((word) => Type.Literal(word)));

const seconds = Type.Number({ minimum: 0.1, maximum: 600 });
const plainPath = '(?:/[A-Za-z0-9._~-]+)+';

const url = Type.Union([
  Type.String({ pattern: `^(?:${serviceUrlSettings.join('|')}|https?://[^/?#@\\s]+/?)$` }),
  Type.Array(Type.String({ pattern: '^https?://[^/?#@\\s]+/?$' }), { minItems: 1, maxItems: 64, uniqueItems: true }),
]);

const healthPath = Type.String({ pattern: `^${plainPath}$` });
const inARow = Type.Integer({ minimum: 1, maximum: 100 });
const health = Type.Object(
  {
    path: healthPath,
    intervalSeconds: Type.Optional(seconds),
    timeoutSeconds: Type.Optional(seconds),
    failures: Type.Optional(inARow),
    successes: Type.Optional(inARow),
  },
  closed,
);

const serviceSchema = Type.Object(
  {
    id: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }),
    url: Type.Optional(url),
    defaultPort: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
    plain: Type.Optional(Type.Boolean()),
    issuer: Type.Optional(Type.Boolean()),
    connectTimeoutSeconds: Type.Optional(seconds),
    timeoutSeconds: Type.Optional(seconds),
    health: Type.Optional(Type.Union([healthPath, health])),
  },
  closed,
);

const userLimit = Type.Object(
  {
    perMinute: Type.Integer({ minimum: 1, maximum: 60_000_000 }),
    burst: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    group: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' })),
  },
  closed,
);

const limits = Type.Object(
  {
    user: Type.Optional(userLimit),
    bodyBytes: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_099_511_627_776 })),
  },
  closed,
);

const proxySchema = Type.Object(
  {
    path: Type.String({ pattern: `^(?:/|/\\*|${plainPath}(?:/\\*)?)$` }),
    hosts: Type.Optional(
      Type.Array(Type.String({ pattern: '^(?:\\[[0-9a-f:.]+\\]|[a-z0-9_-]+(?:\\.[a-z0-9_-]+)*)$' }), {
        minItems: 1,
        maxItems: 64,
        uniqueItems: true,
      }),
    ),
    service: Type.String({ minLength: 1 }),
    access: oneOf('public', 'optional', 'required', 'protected'),
    methods: Type.Optional(
      Type.Array(oneOf('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'), { minItems: 1, uniqueItems: true }),
    ),
    stripPrefix: Type.Optional(Type.String({ pattern: `^${plainPath}$` })),
    issuers: Type.Optional(
      Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }), {
        minItems: 1,
        maxItems: 64,
        uniqueItems: true,
      }),
    ),
    roles: Type.Optional(needs),
    permissions: Type.Optional(needs),
    scopes: Type.Optional(needs),
    csrf: Type.Optional(oneOf('always', 'cookie', 'never')),
    limits: Type.Optional(limits),
    timeoutSeconds: Type.Optional(seconds),
    whenRevocationUnknown: Type.Optional(oneOf('refuse', 'accept')),
    forwardAuthorization: Type.Optional(Type.Boolean()),
  },
  closed,
);

const ownSchema = Type.Object(
  { path: Type.String({ pattern: `^${plainPath}$` }), answer: oneOf('health', 'ready') },
  closed,
);

const fileSchema = Type.Object(
  {
    version: Type.Literal(1),
    services: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 256 })),
    // Each rule is checked by itself: against the schema of what it is meant to be.
    routes: Type.Array(Type.Unknown(), { minItems: 1, maxItems: 4096 }),
  },
  closed,
);

/** Checks one value against one form; each error names its place. */
export const forms = Object.freeze({
  file: Compile(fileSchema),
  service: Compile(serviceSchema),
  proxy: Compile(proxySchema),
  own: Compile(ownSchema),
});

/** What may stand at a place, for advice about a misspelt member. */
export const members = Object.freeze({
  file: Object.keys(fileSchema.properties),
  service: Object.keys(serviceSchema.properties),
  health: Object.keys(health.properties),
  proxy: Object.keys(proxySchema.properties),
  own: Object.keys(ownSchema.properties),
  limits: Object.keys(limits.properties),
  userLimit: Object.keys(userLimit.properties),
  needs: ['any', 'all'],
});
