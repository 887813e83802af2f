import { adminApiFile, openApiFile } from './openapi.ts';

interface Schema {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly $ref?: string;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

interface Operation {
  readonly summary: string;
  readonly security: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content & { readonly required: boolean };
  readonly responses: Readonly<Record<string, Content & { readonly description: string }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** `docs/generated/api.md`: the issuer's routes, from the same document as `openapi.json`. */
export const apiPage = (): string =>
  pageOf(openApiFile(), [
    '# API of the issuer',
    '',
    'Generated from the route table by `npm run generate`; do not edit. The same as OpenAPI 3.1: [openapi.json](openapi.json).',
    '',
    'These are the engine’s own paths and members; presets put them elsewhere (`/api/v1/auth`, the root …) and may add members. A running',
    'issuer describes itself at `/docs` and `/openapi.json`. Errors are problem details with a stable `code`: [errors](errors.md).',
  ]);

/** `docs/generated/admin-api.md`: the same of the admin API, from `admin-openapi.json`. */
export const adminApiPage = (): string =>
  pageOf(adminApiFile(), [
    '# Admin API: routes',
    '',
    'Generated from the route table by `npm run generate`; do not edit. The same as OpenAPI 3.1: [admin-openapi.json](admin-openapi.json).',
    '',
    'How it is switched on, and who may call what: [the guide](../guides/admin-api.md). Errors: [errors](errors.md).',
  ]);

const pageOf = (document: string, opening: readonly string[]): string => {
  const { paths } = JSON.parse(document) as Document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ title: `${method.toUpperCase()} ${path}`, operation })),
  );
  return [
    ...opening,
    '',
    '| route | |',
    '|---|---|',
    ...operations.map(({ title, operation }) => `| [\`${title}\`](#${anchorOf(title)}) | ${cell(operation.summary)} |`),
    '',
    ...operations.flatMap(({ title, operation }) => section(title, operation)),
  ].join('\n');
};

const section = (title: string, operation: Operation): readonly string[] => [
  `## ${title}`,
  '',
  `${operation.summary}.${operation.security.length > 0 ? ' Not without a token or credential.' : ''}`,
  '',
  ...bodyOf(operation),
  ...answersOf(operation),
];

const bodyOf = ({ requestBody, parameters = [] }: Operation): readonly string[] => {
  const schema = requestBody === undefined ? undefined : Object.values(requestBody.content ?? {})[0]?.schema;
  const rows = [
    ...parameters.map(({ name, schema: form, required = false, in: place }) => row(name, form, required, place)),
    ...membersOf(schema, 'body'),
  ];
  return rows.length === 0 ? [] : ['| given | in | form | |', '|---|---|---|---|', ...rows, ''];
};

const membersOf = (schema: Schema | undefined, place: string): readonly string[] =>
  Object.entries(schema?.properties ?? {}).map(([name, form]) =>
    row(name, form, schema?.required?.includes(name) === true, place),
  );

const row = (name: string, form: Schema, needed: boolean, place: string): string =>
  `| \`${name}\` | ${place} | ${cell(formOf(form))} | ${needed ? 'needed' : ''} |`;

const answersOf = ({ responses }: Operation): readonly string[] => [
  '| status | answer |',
  '|---|---|',
  ...Object.entries(responses).map(([status, answer]) => `| ${status} | ${cell(answerOf(answer))} |`),
  '',
];

/** What came out, member by member; of an error, its codes. */
const answerOf = ({ description, content = {} }: Operation['responses'][string]): string => {
  const [type = '', { schema } = { schema: {} }] = Object.entries(content)[0] ?? [];
  if (type === 'application/problem+json')
    return [...description.matchAll(/`(\w+)`: /g)].map(([, code]) => `\`${code}\``).join(', ');
  const members = Object.keys(schema.properties ?? {}).map((name) => `\`${name}\``);
  return members.length === 0 ? type || description : members.join(', ');
};

const formOf = (schema: Schema): string => {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(formOf).join(' or ');
  if (schema.type === 'array') return `list of ${schema.items === undefined ? 'values' : formOf(schema.items)}`;
  const { minLength, maxLength, type = 'value' } = schema;
  if (maxLength === undefined) return type;
  return minLength === undefined ? `${type}, ${maxLength} at most` : `${type}, ${minLength} to ${maxLength}`;
};

/** As readers of Markdown make it of a heading: lower case, without punctuation, blanks as hyphens. */
const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(' ', '-');

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
