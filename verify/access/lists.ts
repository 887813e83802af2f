/** Separators of the string form: comma and white space, also mixed. */
const separators = /[,\s]+/;
const separator = /[,\s]/;

const distinct = (items: readonly string[]): readonly string[] =>
  items.filter((item, index) => item !== '' && items.indexOf(item) === index);

/**
 * `roles` and `permissions` come as a JSON array or as a string; both give the same list: order kept, empty items and
 * duplicates dropped. A separator inside an array item refuses the token (undefined): downstream the list is joined by
 * commas, and one role must not become two.
 */
export const normaliseList = (value: unknown): readonly string[] | undefined => {
  if (typeof value === 'string') return distinct(value.split(separators));
  if (!Array.isArray(value)) return undefined;
  if (!value.every((item) => typeof item === 'string') || separator.test(value.join(''))) return undefined;
  return distinct(value);
};
