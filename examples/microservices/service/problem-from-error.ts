import { type ErrorCode, Problem, type ProblemField } from '@sallyport/contract';
import type { FastifyError } from 'fastify';

/** Fastify's own errors that are the caller's doing. Whatever is not listed is our fault: 500, and nothing more is said. */
const callersDoing: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media_type_unsupported',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'body_invalid',
  FST_ERR_CTP_INVALID_JSON_BODY: 'body_invalid',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'body_invalid',
  FST_ERR_BAD_URL: 'path_refused',
  FST_ERR_MAX_PARAM_LENGTH: 'uri_too_long',
};
const fieldLimit = 20;

/** Any thrown value as the `Problem` that its caller may see. */
export const problemFromError = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  const { code, statusCode, validation, validationContext } = error as Partial<FastifyError>;
  if (validation !== undefined) {
    const fields = validation.slice(0, fieldLimit).map(fieldOf);
    return new Problem(validationContext === 'querystring' ? 'query_invalid' : codeOf(fields), { fields });
  }
  // Fastify's JSON parser marks what it refuses, such as `__proto__`, with 400 and no code of its own.
  const known = callersDoing[code ?? ''] ?? (statusCode === 400 ? 'body_invalid' : 'internal_error');
  return new Problem(known, { cause: error });
};

/** Keyword of the schema -> the field code that all Sallyport servers use. */
const fieldCodes: Readonly<Record<string, string>> = {
  required: 'missing',
  additionalProperties: 'unknown',
  type: 'type',
  pattern: 'pattern',
  minLength: 'too_short',
  maxLength: 'too_long',
  exclusiveMinimum: 'too_small',
};

const codeOf = (fields: readonly ProblemField[]): ErrorCode => {
  if (fields.some(({ path, code }) => code === 'unknown' || (path === '' && code === 'type'))) return 'body_invalid';
  return fields.some(({ code }) => code === 'missing') ? 'field_missing' : 'field_invalid';
};

const fieldOf = ({ instancePath, keyword, params }: NonNullable<FastifyError['validation']>[number]): ProblemField => {
  const member = params['missingProperty'] ?? params['additionalProperty'];
  const path = typeof member === 'string' ? `${instancePath}/${member}` : instancePath;
  return { path: path.slice(0, 200), code: fieldCodes[keyword] ?? 'invalid' };
};
