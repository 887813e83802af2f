/** A member of an answer, where it is a text. */
export const memberOf = (body: unknown, name: string): string | undefined => {
  const value: unknown = Object(body)[name];
  return typeof value === 'string' ? value : undefined;
};
