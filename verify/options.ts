/**
 * Checks the names of given options against those that exist and copies them, so that a misspelt option is an error and a
 * later change of the caller's object changes nothing. Numbers have to be finite and not negative.
 * @param required names that have to be present
 * @param optional object whose keys are the further names
 */
export const checkOptions = <T extends object>(
  owner: string,
  given: T,
  required: readonly (keyof T & string)[],
  optional: object,
): Readonly<T> => {
  if (typeof given !== 'object' || given === null) throw new TypeError(`${owner}: options are missing`);
  for (const [name, value] of Object.entries(given)) {
    if (!(required as readonly string[]).includes(name) && !Object.hasOwn(optional, name)) {
      throw new TypeError(`${owner}: unknown option "${name}"`);
    }
    if (typeof value === 'number' && !(Number.isFinite(value) && value >= 0)) {
      throw new TypeError(`${owner}: option "${name}" is not a finite number of 0 or more`);
    }
  }
  for (const name of required) {
    if (given[name] === undefined) throw new TypeError(`${owner}: option "${name}" is missing`);
  }
  // An option given as undefined is an option not given.
  return Object.freeze(
    Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  ) as Readonly<T>;
};
