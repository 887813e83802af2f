import type { AssertionKey } from '../assertions/verify-assertion.ts';
/** Reads `kid:base64url, …`, first = current. */
export declare const parseAssertionKeys: (text: string) => readonly AssertionKey[];
/**
 * A service's keys from `GATEWAY_ASSERTION_KEYS`, or from the file that `GATEWAY_ASSERTION_KEYS_FILE` names.
 * @throws TypeError when neither or both are set, or the text has another form
 */
export declare const assertionKeysFrom: (env: Readonly<Record<string, string | undefined>>) => readonly AssertionKey[];
