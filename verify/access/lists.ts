/** Separators of the string form: comma and white space, also mixed. */
const separators = /[,\s]+/;
const separator = /[,\s]/;

/** Most lists come as they should be; those are not copied. */
const isDistinct = (items: readonly string[]): boolean => {
  for (let index = 0; index < items.length; index += 1) {
    const item = items[index];
    if (item === '' || items.indexOf(item as string) !== index) return false;
  }
  return true;
};

const distinct = (items: readonly string[]): readonly string[] =>
  isDistinct(items) ? items : items.filter((item, index) => item !== '' && items.indexOf(item) === index);

const areItems = (values: readonly unknown[]): values is readonly string[] => {
  for (const value of values) if (typeof value !== 'string' || separator.test(value)) return false;
  return true;
};

/**
 * `roles` and `permissions` come as a JSON array or as a string; both give the same list: order kept, empty items and
 * duplicates dropped. A separator inside an array item refuses the token (undefined): downstream the list is joined by
 * commas, and one role must not become two.
 */
export const normaliseList = (value: unknown): readonly string[] | undefined => {
  if (typeof value === 'string') return distinct(value.split(separators));
  if (!Array.isArray(value)) return undefined;
  return areItems(value) ? distinct(value) : undefined;
};
