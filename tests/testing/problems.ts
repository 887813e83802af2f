import { type ErrorCode, errorCatalogue } from '@sallyport/contract';
import { expect } from 'vitest';
import type { Answer } from './http-client.ts';

/** Asserts an error answer as a whole: status of the catalogue, stable code, the preset's text, RFC 9457 form. */
export const expectProblem = (answer: Answer, code: ErrorCode, error?: string): void => {
  const { status, title } = errorCatalogue[code];
  expect({ status: answer.status, ...answer.body }).toMatchObject({
    status,
    type: `urn:sallyport:error:${code}`,
    title,
    code,
    ...(error !== undefined && { error }),
  });
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json(; charset=utf-8)?$/);
  expect(answer.headers['cache-control']).toBe('no-store');
  // RFC 9110 §15.5.2: the issuer and the gateway ask for a token, the services for the gateway.
  if (status === 401)
    expect(answer.headers['www-authenticate']).toMatch(/^((Bearer|DPoP) realm="sallyport"|Gateway-Assertion)/);
};
