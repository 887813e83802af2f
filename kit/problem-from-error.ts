import { type ErrorCode, Problem, type ProblemOptions } from '@sallyport/contract';
import { problemFromValidation, type ValidationFailure } from './problem-from-validation.ts';

/** Fastify's and Node's own errors that are the caller's doing. Whatever is not listed is our fault: 500. */
const codeOfError: ReadonlyMap<string, ErrorCode> = new Map<string, ErrorCode>([
  ['FST_ERR_CTP_INVALID_JSON_BODY', 'body_invalid'],
  ['FST_ERR_CTP_EMPTY_JSON_BODY', 'body_invalid'],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', 'body_invalid'],
  ['FST_ERR_CTP_BODY_TOO_LARGE', 'body_too_large'],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 'media_type_unsupported'],
  ['FST_ERR_BAD_URL', 'path_refused'],
  ['FST_ERR_INVALID_URL', 'path_refused'],
  ['FST_ERR_MAX_PARAM_LENGTH', 'uri_too_long'],
  ['FST_ERR_NOT_FOUND', 'route_unknown'],
  ['FST_ERR_HANDLER_TIMEOUT', 'busy'],
  // The caller went away, or its connection broke, while the body was read.
  ['ECONNRESET', 'request_malformed'],
  ['ERR_STREAM_PREMATURE_CLOSE', 'request_malformed'],
]);

/** The statuses of an error that carries nothing else to know it by, such as those of Fastify plugins. */
const codeOfStatus: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [400, 'body_invalid'],
  [404, 'route_unknown'],
  [405, 'method_not_allowed'],
  [406, 'not_acceptable'],
  [408, 'request_timeout'],
  [413, 'body_too_large'],
  [414, 'uri_too_long'],
  [415, 'media_type_unsupported'],
  [431, 'headers_too_large'],
]);

interface ForeignError {
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly validation?: readonly ValidationFailure[];
  readonly validationContext?: string;
}

export interface RequestLimits {
  /** The route's limit, told with `body_too_large`. */
  readonly bodyLimitBytes?: number | undefined;
}

/** Any thrown value as a `Problem`: itself, the mapped request error, or 500 `internal_error` with the value as cause. */
export const problemFromError = (error: unknown, limits: RequestLimits = {}): Problem => {
  if (error instanceof Problem) return error;
  if (typeof error !== 'object' || error === null) return new Problem('internal_error', { cause: error });
  const foreign: ForeignError = error;
  if (Array.isArray(foreign.validation)) return problemFromValidation(foreign.validation, foreign.validationContext);
  const code = requestErrorCode(foreign) ?? 'internal_error';
  return new Problem(code, { cause: error, ...detailsOf(code, limits) });
};

const detailsOf = (code: ErrorCode, { bodyLimitBytes }: RequestLimits): ProblemOptions => {
  if (code === 'busy') return { params: { retryAfterSeconds: 1 }, retryAfterSeconds: 1 };
  if (code === 'body_too_large' && bodyLimitBytes !== undefined) return { params: { limitBytes: bodyLimitBytes } };
  return {};
};

const requestErrorCode = ({ code, statusCode }: ForeignError): ErrorCode | undefined => {
  // `code` alone is not enough for a system code: a database's ECONNRESET is not the caller's doing.
  // Fastify marks a failure while it reads the body with a status of 400.
  if (typeof code === 'string' && (code.startsWith('FST_') || statusCode === 400)) {
    const mapped = codeOfError.get(code);
    if (mapped !== undefined) return mapped;
  }
  return typeof statusCode === 'number' ? codeOfStatus.get(statusCode) : undefined;
};
