import { type AssertionClaims } from '@sallyport/contract';
type Payload = Readonly<Record<string, unknown>>;
/** The form of an assertion's claims. True also promises `exp` = `iat` + 30. */
export declare const isAssertionClaims: (payload: Payload) => payload is AssertionClaims & Payload;
export {};
