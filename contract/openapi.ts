/** The issuer's OpenAPI 3.1 document, made from the route table. Pure: no server is needed to print it. */
import { type AdminRouteDefinition, adminBasePath, adminRoutes, credentialErrors } from './admin-routes.ts';
import { type ErrorCode, errorCatalogue } from './errors.ts';
import { problemContentType } from './problem.ts';
import { commonErrors, type RouteDefinition, routePath } from './routes.ts';

export interface OpenApiOptions {
  readonly title: string;
  readonly version: string;
  readonly routes: readonly RouteDefinition[];
  /** The preset's base path, for example `/auth`. */
  readonly basePath: string;
}

const texts = { type: 'array', items: { type: 'string' } } as const;
const warning = { type: 'string' } as const;
const feedbackSchema = {
  type: 'object',
  description: 'with a refused password: why, for people; the same as stable codes in `codes`',
  required: ['warning', 'suggestions', 'codes'],
  properties: {
    warning,
    suggestions: texts,
    codes: { type: 'object', required: ['warning', 'suggestions'], properties: { warning, suggestions: texts } },
  },
} as const;

/** `components.schemas.Problem`: what every error answer holds. */
const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'error'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(errorCatalogue) },
    error: { type: 'string', description: "the preset's text" },
    hint: { type: 'string' },
    details: { type: 'string' },
    params: { type: 'object' },
    fields: {
      type: 'array',
      items: {
        type: 'object',
        required: ['path', 'code'],
        properties: { path: { type: 'string' }, code: { type: 'string' }, params: { type: 'object' } },
      },
    },
    feedback: feedbackSchema,
    instance: { type: 'string', description: 'request id' },
  },
} as const;

export const openApiDocument = ({ title, version, routes, basePath }: OpenApiOptions): Record<string, unknown> => {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = routePath(route, basePath).replaceAll(/:([A-Za-z]+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: issuerOperation(route) };
  }
  return documentOf(
    { title, version },
    {
      paths,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT (RFC 9068)' },
        // RFC 9449 §7.1: a token that is bound to a key, and a proof of that key.
        dpop: { type: 'http', scheme: 'dpop' },
        proof: { type: 'apiKey', in: 'header', name: 'DPoP' },
      },
    },
  );
};

const documentOf = (
  { title, version }: Pick<OpenApiOptions, 'title' | 'version'>,
  { paths, securitySchemes }: { readonly paths: object; readonly securitySchemes: object },
): Record<string, unknown> =>
  withoutOwnKeywords({
    openapi: '3.1.0',
    servers: [{ url: '/' }],
    info: { title, version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: { schemas: { Problem: problemSchema }, securitySchemes },
  }) as Record<string, unknown>;

/** The tag `secret: true` steers our log; outside, an extension has to begin with `x-` (OpenAPI 3.1 §4.9). */
const withoutOwnKeywords = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutOwnKeywords);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, inner]) =>
    name === 'secret' && inner === true ? ['x-secret', true] : [name, withoutOwnKeywords(inner)],
  );
  return Object.fromEntries(members);
};

/** The admin API's document. */
export const adminApiDocument = ({
  title,
  version,
}: Pick<OpenApiOptions, 'title' | 'version'>): Record<string, unknown> => {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of adminRoutes) {
    const path = `${adminBasePath}${route.path}`.replaceAll(/:([A-Za-z]+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: adminOperation(route) };
  }
  const credential = { type: 'http', scheme: 'bearer', description: 'a service credential: `sp_…`' };
  return documentOf({ title, version }, { paths, securitySchemes: { credential } });
};

/** OpenAPI 3.1 §4.8.30: for other types than oauth2 the list of a scheme names what the caller has to be allowed. */
const adminOperation = (route: AdminRouteDefinition): object => ({
  ...operation({ ...route, errors: [...credentialErrors, ...route.errors] }, [{ credential: [route.scope] }]),
  description: `Scope: \`${route.scope}\`.`,
});

/** What every route table has. */
type DescribedRoute = Pick<RouteDefinition, 'summary' | 'body' | 'bodyOptional' | 'params' | 'answers' | 'errors'> &
  Pick<AdminRouteDefinition, 'query'> & { readonly id: string };

const parametersOf = ({ params, query }: DescribedRoute): object[] => [
  ...Object.entries(params?.properties ?? {}).map(([name, schema]) => ({ name, in: 'path', required: true, schema })),
  ...Object.entries(query?.properties ?? {}).map(([name, schema]) => ({ name, in: 'query', required: false, schema })),
];

const issuerOperation = (route: RouteDefinition): object =>
  operation(route, route.bearer ? [{ bearer: [] }, { dpop: [], proof: [] }] : []);

const operation = (route: DescribedRoute, security: readonly object[]): object => ({
  operationId: route.id,
  summary: route.summary,
  security,
  ...(parametersOf(route).length > 0 && { parameters: parametersOf(route) }),
  ...(route.body && {
    requestBody: { required: route.bodyOptional !== true, content: { 'application/json': { schema: route.body } } },
  }),
  responses: { ...successes(route), ...failures(route) },
});

const successes = (route: DescribedRoute): object =>
  Object.fromEntries(
    Object.entries(route.answers).map(([status, schema]) => [
      status,
      { description: 'done', content: { [contentTypeOf(schema)]: { schema } } },
    ]),
  );

const contentTypeOf = (schema: object): string =>
  'type' in schema && schema.type === 'string' ? 'application/x-pem-file' : 'application/json';

/** One response per status, its codes in the description. */
const failures = (route: DescribedRoute): object => {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of [...route.errors, ...commonErrors]) {
    const { status } = errorCatalogue[code];
    byStatus.set(status, [...new Set([...(byStatus.get(status) ?? []), code])]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\`: ${errorCatalogue[code].title}`).join('; '),
        content: { [problemContentType]: { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
};
