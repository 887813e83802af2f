import { type ErrorCode, Problem, type ProblemField } from '@sallyport/contract';

/** One failure as a JSON schema validator (Ajv, TypeBox) reports it. */
export interface ValidationFailure {
  readonly keyword?: string;
  readonly instancePath?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Schema keyword -> stable field code and the schema's own figure that the client may be told. */
const fieldCodes: Readonly<Record<string, readonly [code: string, param?: string]>> = {
  type: ['type', 'type'],
  minLength: ['too_short', 'limit'],
  maxLength: ['too_long', 'limit'],
  minItems: ['too_few', 'limit'],
  maxItems: ['too_many', 'limit'],
  minProperties: ['too_few', 'limit'],
  maxProperties: ['too_many', 'limit'],
  minimum: ['too_small', 'limit'],
  exclusiveMinimum: ['too_small', 'limit'],
  maximum: ['too_large', 'limit'],
  exclusiveMaximum: ['too_large', 'limit'],
  multipleOf: ['not_multiple', 'multipleOf'],
  format: ['format', 'format'],
  pattern: ['pattern'],
  enum: ['not_allowed'],
  const: ['not_allowed'],
  uniqueItems: ['not_unique'],
};

/** A client may send ten thousand unknown members: it is told about the first few. */
const fieldLimit = 20;
const pathLimitCharacters = 200;

/** A refused request as `Problem`; `context` is Fastify's `body`, `querystring`, `params` or `headers`. */
export const problemFromValidation = (failures: readonly ValidationFailure[], context = 'body'): Problem => {
  const fields = failures.flatMap(fieldsOf).slice(0, fieldLimit);
  if (context.startsWith('headers')) {
    return new Problem('header_invalid', { params: { header: fields[0]?.path.slice(1) ?? '' }, fields });
  }
  return new Problem(codeOf(fields, context), { fields });
};

const codeOf = (fields: readonly ProblemField[], context: string): ErrorCode => {
  if (context.startsWith('querystring')) return 'query_invalid';
  if (context.startsWith('params')) return 'field_invalid';
  if (fields.some(({ path, code }) => path === '' && code === 'type')) return 'body_invalid';
  if (fields.some(({ code }) => code === 'missing')) return 'field_missing';
  return fields.some(({ code }) => code === 'unknown') ? 'body_invalid' : 'field_invalid';
};

const fieldsOf = (failure: ValidationFailure): ProblemField[] => {
  const { keyword = '', instancePath = '', params = {} } = failure;
  const members = namedMembers(keyword, params);
  if (members !== undefined) {
    const code = keyword === 'required' ? 'missing' : 'unknown';
    return members.map((member) => ({ path: pointer(instancePath, member), code }));
  }
  const [code, param] = fieldCodes[keyword] ?? ['invalid'];
  const figure = param === undefined ? undefined : params[param];
  const told = typeof figure === 'number' || typeof figure === 'string' ? { [param ?? '']: figure } : undefined;
  return [{ path: instancePath.slice(0, pathLimitCharacters), code, ...(told && { params: told }) }];
};

/** Ajv names one member per failure, TypeBox a list. */
const namedMembers = (keyword: string, params: Readonly<Record<string, unknown>>): string[] | undefined => {
  if (keyword === 'required') return strings(params['missingProperty'] ?? params['requiredProperties']);
  if (keyword === 'additionalProperties')
    return strings(params['additionalProperty'] ?? params['additionalProperties']);
  if (keyword === 'unevaluatedProperties')
    return strings(params['unevaluatedProperty'] ?? params['unevaluatedProperties']);
  return undefined;
};

const strings = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string');

/** RFC 6901 §3: `~` is written `~0`, `/` is written `~1`. */
const pointer = (parent: string, member: string): string =>
  `${parent}/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`.slice(0, pathLimitCharacters);
