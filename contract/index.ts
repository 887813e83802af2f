/**
 * The shared language of issuer, gateway, verifier and client: error codes, claims, branded ids and units.
 * It depends on nothing. Routes with their schemas have an entry of their own, `@sallyport/contract/routes`.
 */
export * from './claims.ts';
export * from './credentials.ts';
export * from './errors.ts';
export * from './ids.ts';
export * from './problem.ts';
export * from './proof-challenge.ts';
export * from './refresh-refusals.ts';
export * from './revocations.ts';
export * from './sdk-version.ts';
export * from './traceparent.ts';
export * from './units.ts';
