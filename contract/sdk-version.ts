/**
 * Who asks the issuer, and in which version: `sallyport-sdk: verify/0.1.0`. Only counted (`sallyport_auth_sdk_requests_total`), never believed:
 * nothing is allowed or refused for it.
 */
export const sdkHeaderName = 'sallyport-sdk';

/** The version of every package of this release; a test holds their package.json files to it. */
export const release = '0.1.0';

/** The SDKs that say their name. */
export const sdkNames = ['client', 'verify'] as const;

/** Every `major.minor` that was released, newest last: what an issuer of this release counts by its own name. */
export const releasedMinors = ['0.1'] as const;
