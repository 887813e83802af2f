import { releasedMinors, sdkNames } from '@sallyport/contract';

/** What the counter of SDKs is labelled with; every value stands in a list of this repository. */
export interface SdkLabel {
  readonly sdk: (typeof sdkNames)[number] | 'other';
  readonly version: (typeof releasedMinors)[number] | 'other';
}

/**
 * `client/0.1.4` -> `client`, `0.1`. What a caller makes up is `other`, so that nobody can fill the memory of the issuer, or of whoever
 * keeps its metrics, with series. Undefined: the request names no SDK.
 */
export const sdkLabel = (header: string | undefined): SdkLabel | undefined => {
  if (header === undefined) return undefined;
  const [, name, minor] = /^([a-z]{1,16})\/(\d{1,4}\.\d{1,4})\.\d{1,6}$/.exec(header) ?? [];
  const sdk = sdkNames.find((known) => known === name);
  if (sdk === undefined) return { sdk: 'other', version: 'other' };
  return { sdk, version: releasedMinors.find((known) => known === minor) ?? 'other' };
};
