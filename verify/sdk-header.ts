import { release, sdkHeaderName } from '@sallyport/contract';

/** Which SDK asks, and in which version: the issuer counts them, so that its operator knows who still runs what. */
export const sdkHeader: Readonly<Record<string, string>> = { [sdkHeaderName]: `verify/${release}` };
