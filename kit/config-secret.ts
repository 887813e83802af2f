import { decode } from './base64url.ts';
import { isSampleSecret } from './config-sample-secrets.ts';
import { createSetting, type Reading, type SettingMaker, type SettingOptions } from './config-setting.ts';

interface SecretOptions {
  /** Fewest bytes of the text in UTF-8. Default 32. */
  readonly minBytes?: number;
}

/** A secret text. Refused: fewer than `minBytes` bytes, well-known sample secrets, white space at an end. */
export const secretSetting: SettingMaker<string, SecretOptions> = (options: SettingOptions<string> & SecretOptions) => {
  refuseDefault(options);
  const { minBytes = 32 } = options;
  const read = (text: string): Reading<string> => {
    if (text !== text.trim()) return { problem: 'begins or ends with white space' };
    if (isSampleSecret(text)) return { problem: `is a well-known sample secret; ${howToMake(minBytes)}` };
    if (Buffer.byteLength(text) < minBytes)
      return { problem: `must have at least ${minBytes} bytes; ${howToMake(minBytes)}` };
    return { value: text };
  };
  return createSetting<string>(options, { kind: 'secret', secret: true, read, howToMake: command(minBytes) }, [
    'minBytes',
  ]);
};

const command = (bytes: number): string => `openssl rand -base64 ${Math.max(bytes, 32)}`;
const howToMake = (bytes: number): string => `make one with: ${command(bytes)}`;

export interface NamedKey {
  readonly kid: string;
  readonly key: Buffer;
}

interface KeyListOptions {
  /** What a key id looks like. Default: 1 to 32 letters, digits, `_`, `-`. */
  readonly kid?: RegExp;
  /** Fewest bytes of each key. Default 32. */
  readonly minBytes?: number;
}

const keyLimit = 16;

/** `kid:base64url, …`: the first key is the current one, the others are still accepted. Ids and keys are all different. */
export const keyListSetting: SettingMaker<readonly NamedKey[], KeyListOptions> = (
  options: SettingOptions<readonly NamedKey[]> & KeyListOptions,
) => {
  refuseDefault(options);
  const { kid = /^[A-Za-z0-9_-]{1,32}$/, minBytes = 32 } = options;
  const read = (text: string): Reading<readonly NamedKey[]> => {
    const keys = text.split(',').map((part) => readKey(part.trim(), kid, minBytes));
    const problem = keys.find((key) => typeof key === 'string') ?? listProblem(keys.filter(isKey));
    return problem === undefined ? { value: keys.filter(isKey) } : { problem };
  };
  const howToMake = `echo "1:$(${command(minBytes)} | tr '+/' '-_' | tr -d '=')"`;
  const kind = { kind: 'keys, `kid:base64url, …`', secret: true, read, howToMake };
  return createSetting<readonly NamedKey[]>(options, kind, ['kid', 'minBytes']);
};

/** A published default secret is a hole in every installation that keeps it. */
const refuseDefault = ({ env, default: value }: { readonly env: string; readonly default?: unknown }): void => {
  if (value !== undefined) throw new TypeError(`${env}: a secret has no default`);
};

const isKey = (key: NamedKey | string): key is NamedKey => typeof key !== 'string';

/** The key, or what is wrong with it; never a part of it: a forgotten id would put the key there. */
const readKey = (part: string, kidPattern: RegExp, minBytes: number): NamedKey | string => {
  const colon = part.indexOf(':');
  if (colon < 0) return 'must be a list of kid:base64url; an item has no colon';
  const kid = part.slice(0, colon);
  if (!kidPattern.test(kid)) return `holds a key id that does not match ${kidPattern.source}`;
  const key = decode(part.slice(colon + 1));
  if (key === undefined) return 'holds a key that is not base64url (letters, digits, - and _, no padding)';
  if (key.length < minBytes) return `holds a key of fewer than ${minBytes} bytes`;
  return Object.freeze({ kid, key });
};

const listProblem = (keys: readonly NamedKey[]): string | undefined => {
  if (keys.length > keyLimit) return `must have at most ${keyLimit} keys`;
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length) return 'holds a key id twice';
  if (new Set(keys.map(({ key }) => key.toString('hex'))).size !== keys.length) {
    return 'holds one key under two ids: rotating to it would change nothing';
  }
  return undefined;
};
