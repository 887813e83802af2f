import { type ErrorCode, errorCatalogue } from './errors.ts';

/** One member of the request that was refused. `path` is a JSON pointer (RFC 6901) into the body, for example `/email`. */
export interface ProblemField {
  readonly path: string;
  readonly code: string;
  readonly params?: Readonly<Record<string, string | number | boolean>>;
}

/** What a client reads: RFC 9457 problem details, with Sallyport's stable `code` and the preset's `error` text. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly error: string;
  readonly hint?: string;
  readonly detail?: string;
  /** The contract's fixed public text where it names one. */
  readonly details?: string;
  readonly params?: Readonly<Record<string, string | number | boolean>>;
  readonly fields?: readonly ProblemField[];
  /** The request id that the log line of this answer carries. */
  readonly instance?: string;
  /** Further public members of one code, such as `path` of `route_unknown`. */
  readonly [extension: string]: unknown;
}

/** A preset's literal texts: code -> `error`, `hint`, `details`. */
export interface ErrorText {
  readonly error?: string;
  readonly hint?: string;
  readonly details?: string;
}
export type ErrorTexts = Readonly<Partial<Record<ErrorCode, ErrorText>>>;

export const problemContentType = 'application/problem+json';

/** What JSON can say. */
export type PublicMember =
  | string
  | number
  | boolean
  | readonly PublicMember[]
  | { readonly [member: string]: PublicMember };

export interface ProblemOptions {
  readonly params?: Readonly<Record<string, string | number | boolean>>;
  readonly fields?: readonly ProblemField[];
  /** Public extension members. Never a secret, never a library's message. */
  readonly extensions?: Readonly<Record<string, PublicMember>>;
  readonly retryAfterSeconds?: number;
  /** Further response headers, lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The private cause: for the log only. */
  readonly cause?: unknown;
}

/** The one error that use cases throw on purpose. Its `message` is the public title; what is private stands in `cause`. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ErrorCode;
  readonly status: number;
  readonly params: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly fields: readonly ProblemField[] | undefined;
  readonly extensions: Readonly<Record<string, PublicMember>> | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(code: ErrorCode, options: ProblemOptions = {}) {
    super(errorCatalogue[code].title, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = errorCatalogue[code].status;
    // The catalogue lists the wait among the params of what can be repeated later.
    const told = options.retryAfterSeconds !== undefined && errorCatalogue[code].params.includes('retryAfterSeconds');
    this.params = told ? { ...options.params, retryAfterSeconds: options.retryAfterSeconds } : options.params;
    this.fields = options.fields;
    this.extensions = options.extensions;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.headers = options.headers;
  }
}

/** Builds the wire form. `texts` is the preset's; without an entry `error` is the catalogue's title. */
export const problemDetails = (problem: Problem, texts: ErrorTexts = {}, instance?: string): ProblemDetails => {
  const { title, status } = errorCatalogue[problem.code];
  const text = texts[problem.code];
  return {
    ...problem.extensions,
    type: `urn:sallyport:error:${problem.code}`,
    title,
    status,
    code: problem.code,
    error: text?.error ?? title,
    ...(text?.hint !== undefined && { hint: text.hint }),
    ...(text?.details !== undefined && { details: text.details }),
    ...(problem.params && { params: problem.params }),
    ...(problem.fields && { fields: problem.fields }),
    ...(instance !== undefined && { instance }),
  };
};
