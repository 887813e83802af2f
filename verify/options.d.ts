/**
 * Checks the names of given options against those that exist and copies them, so that a misspelt option is an error and a
 * later change of the caller's object changes nothing. Numbers have to be finite and not negative.
 * @param required names that have to be present
 * @param optional object whose keys are the further names
 */
export declare const checkOptions: <T extends object>(owner: string, given: T, required: readonly (keyof T & string)[], optional: object) => Readonly<T>;
