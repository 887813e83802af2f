/** What a registration must look like, beyond the schema. Pure. */
import type { ProblemField } from '@sallyport/contract';

/** Required members that hold nothing but white space count as missing. */
export const emptyMembers = (
  body: Readonly<Record<string, unknown>>,
  required: readonly string[],
): readonly ProblemField[] =>
  required
    .filter((member) => {
      const value = body[member];
      return typeof value !== 'string' || value.trim() === '';
    })
    .map((member) => ({ path: `/${member}`, code: 'field_missing' }));
