/** What a log line tells of an error. */
export interface LoggedError {
  readonly name: string;
  readonly code?: string | number;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
}

/** A chain of causes may be a ring. */
const causeLimit = 5;

/**
 * Name, code, message, stack and cause chain. Other members stay out: drivers and HTTP clients hang queries,
 * parameters, headers and whole requests on their errors.
 */
export const errorForLog = (error: unknown, causesLeft = causeLimit): LoggedError => {
  // What is not an error was thrown by mistake; its content is unknown, so only its type is told.
  if (!(error instanceof Error)) return { name: 'NotAnError', message: `a value of type ${typeof error} was thrown` };
  const code = 'code' in error ? error.code : undefined;
  return {
    name: error.name,
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    message: error.message,
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(error.cause !== undefined && causesLeft > 0 && { cause: errorForLog(error.cause, causesLeft - 1) }),
  };
};
