import type { Call } from './http-client.ts';

export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly patternProperties?: unknown;
  readonly [keyword: string]: unknown;
}

export interface Operation {
  readonly id: string;
  readonly method: string;
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly bearer: boolean;
  readonly body: Schema | undefined;
  readonly parameters: readonly { readonly name: string; readonly schema: Schema }[];
  /** Bodies of the successes, by status. */
  readonly answers: readonly Schema[];
  /** Codes that the document declares for this route. */
  readonly codes: ReadonlySet<string>;
}

interface Content {
  readonly schema: Schema;
}
interface RawOperation {
  readonly operationId: string;
  readonly security?: readonly object[];
  readonly parameters?: Operation['parameters'];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content: Readonly<Record<string, Content>> }>
  >;
}

/** The operations of the document that the server itself serves. */
export const readOperations = async (call: Call): Promise<readonly Operation[]> => {
  const { body } = await call('GET', '/openapi.json');
  const paths = body['paths'] as Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, raw]) => readOperation(path, method, raw)),
  );
};

const readOperation = (path: string, method: string, raw: RawOperation): Operation => {
  const responses = Object.entries(raw.responses);
  const successes = responses.filter(([status]) => status.startsWith('2'));
  const failures = responses.filter(([status]) => !status.startsWith('2'));
  return {
    id: raw.operationId,
    method: method.toUpperCase(),
    path,
    bearer: (raw.security ?? []).length > 0,
    body: raw.requestBody?.content['application/json']?.schema,
    parameters: raw.parameters ?? [],
    answers: successes.flatMap(([, { content }]) => Object.values(content).map(({ schema }) => schema)),
    codes: new Set(
      failures.flatMap(([, { description }]) =>
        [...description.matchAll(/`([a-z_]+)`/g)].map(([, code]) => String(code)),
      ),
    ),
  };
};

/** Every schema inside a schema, itself included. */
export const schemasIn = (value: unknown): Schema[] => {
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.values(value).flatMap(schemasIn);
  return 'type' in value && typeof value.type === 'string' ? [value as Schema, ...inside] : inside;
};
