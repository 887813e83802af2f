/**
 * Which SDK asks, and in which version: the issuer counts them, so that its operator knows who still runs what. Only calls that need a
 * preflight anyhow carry it, and only those to the issuer: no service behind another origin has to allow a header for it.
 */
export const sdkHeader = { 'sallyport-sdk': 'client/0.1.0' } as const;
