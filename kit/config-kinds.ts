import { createSetting, type Reading, type Setting, type SettingMaker, type SettingOptions } from './config-setting.ts';

interface TextOptions {
  /** Secret: `_FILE` is read too, and the value is never printed. Default false. */
  readonly secret?: boolean;
  readonly pattern?: RegExp;
  /** Default 4096. */
  readonly maxLength?: number;
}

/** Any text without control characters. */
export const textSetting: SettingMaker<string, TextOptions> = (options: SettingOptions<string> & TextOptions) => {
  const { secret = false, pattern, maxLength = 4096 } = options;
  const read = (text: string): Reading<string> => {
    if (text.length > maxLength) return { problem: `must have at most ${maxLength} characters` };
    if (/\p{Cc}/u.test(text)) return { problem: 'must not hold control characters' };
    if (pattern !== undefined && !pattern.test(text)) return { problem: `must match ${pattern.source}` };
    return { value: text };
  };
  return createSetting<string>(options, { kind: 'text', secret, read }, ['secret', 'pattern', 'maxLength']);
};

interface IntegerOptions {
  readonly min: number;
  readonly max: number;
}

/** A whole number within bounds, in decimal digits. */
export const integerSetting: SettingMaker<number, IntegerOptions> = (
  options: SettingOptions<number> & IntegerOptions,
) => {
  const { min, max } = options;
  const read = (text: string): Reading<number> =>
    readInteger(text, min, max, `must be a whole number from ${min} to ${max}`);
  return createSetting<number>(options, { kind: `whole number, ${min} to ${max}`, read }, ['min', 'max']);
};

const readInteger = (text: string, min: number, max: number, problem: string): Reading<number> => {
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? { value } : { problem };
};

/** A share of the whole: a decimal number from 0 to 1. */
export const shareSetting: SettingMaker<number, unknown> = (options: SettingOptions<number>) => {
  const read = (text: string): Reading<number> =>
    /^(?:0?\.\d{1,9}|[01](?:\.0{1,9})?)$/.test(text)
      ? { value: Number(text) }
      : { problem: 'must be a number from 0 to 1' };
  return createSetting<number>(options, { kind: 'number, 0 to 1', read }, []);
};

/** A TCP port; 0 = any free one. */
export const portSetting: SettingMaker<number, unknown> = (options: SettingOptions<number>) => {
  const read = (text: string): Reading<number> => {
    if (/^tcp:\/\//i.test(text)) return { problem: serviceLinkProblem };
    return readInteger(text, 0, 65_535, 'must be a port from 0 to 65535');
  };
  return createSetting<number>(options, { kind: 'port', read }, []);
};

const serviceLinkProblem =
  'has the form tcp://…: Kubernetes sets such a name for a service of the same name in the namespace. ' +
  'Set enableServiceLinks: false in the pod, or rename the service';

/** `true`, `false`, `on` or `off`. */
export const booleanSetting: SettingMaker<boolean, unknown> = (options: SettingOptions<boolean>) => {
  const words = new Map([
    ['true', true],
    ['on', true],
    ['false', false],
    ['off', false],
  ]);
  const read = (text: string): Reading<boolean> => {
    const value = words.get(text.toLowerCase());
    return value === undefined ? { problem: 'must be true, false, on or off' } : { value };
  };
  const show = (value: boolean) => (value ? 'on' : 'off');
  return createSetting<boolean>(options, { kind: '`on` or `off`', read, show }, []);
};

interface ChoiceMaker {
  <const Word extends string>(
    options: SettingOptions<NoInfer<Word>> & { readonly values: readonly Word[]; readonly optional: true },
  ): Setting<Word | undefined>;
  <const Word extends string>(
    options: SettingOptions<NoInfer<Word>> & { readonly values: readonly Word[]; readonly optional?: false },
  ): Setting<Word>;
}

/** One of the words in `values`, which are also the type of its value. */
export const choiceSetting: ChoiceMaker = <Word extends string>(
  options: SettingOptions<Word> & { readonly values: readonly Word[] },
) => {
  const { values } = options;
  const read = (text: string): Reading<Word> => {
    const value = values.find((word) => word === text);
    return value === undefined ? { problem: `must be one of ${values.join(', ')}` } : { value };
  };
  return createSetting<Word>(options, { kind: values.map((word) => `\`${word}\``).join(', '), read }, ['values']);
};

interface ListOptions {
  /** Each item must match. Default: anything but white space. */
  readonly item?: RegExp;
  /** How an item looks, where the pattern is not for reading: `host:port`. */
  readonly form?: string;
  /** Default 64. */
  readonly maxItems?: number;
}

/** Items between commas; white space around them is dropped, an empty item is refused. */
export const listSetting: SettingMaker<readonly string[], ListOptions> = (
  options: SettingOptions<readonly string[]> & ListOptions,
) => {
  const { item = /^\S+$/, form, maxItems = 64 } = options;
  const read = (text: string) =>
    readList(text, maxItems, (part) =>
      item.test(part)
        ? undefined
        : `holds an item that ${form === undefined ? `does not match ${item.source}` : `is not ${form}`}`,
    );
  return createSetting<readonly string[]>(options, { kind: 'list, between commas', read, show: showList }, [
    'item',
    'form',
    'maxItems',
  ]);
};

/** Web origins between commas, each in the spelling that browsers send (`https://app.example.org`). `*` is refused. */
export const originsSetting: SettingMaker<readonly string[], unknown> = (
  options: SettingOptions<readonly string[]>,
) => {
  const read = (text: string) =>
    readList(text, 64, (part) =>
      URL.canParse(part) && /^https?:$/.test(new URL(part).protocol) && new URL(part).origin === part
        ? undefined
        : 'must list exact origins such as https://app.example.org: scheme, host, port if not the default, no path, no *',
    );
  return createSetting<readonly string[]>(options, { kind: 'origins, between commas', read, show: showList }, []);
};

const showList = (items: readonly string[]): string => items.join(',');

const readList = (
  text: string,
  maxItems: number,
  problemOf: (item: string) => string | undefined,
): Reading<readonly string[]> => {
  const value = text === '' ? [] : text.split(',').map((part) => part.trim());
  if (value.length > maxItems) return { problem: `must have at most ${maxItems} items` };
  if (value.includes('')) return { problem: 'holds an empty item: two commas, or one at an end' };
  if (new Set(value).size !== value.length) return { problem: 'holds an item twice' };
  const problem = value.map(problemOf).find((found) => found !== undefined);
  return problem === undefined ? { value } : { problem };
};

interface UrlOptions {
  /** Allowed schemes with their colon. Default `http:` and `https:`. */
  readonly protocols?: readonly string[];
  /** Secret: it may carry a password; `_FILE` is read too, and the value is never printed. Default false. */
  readonly secret?: boolean;
}

/** A URL, kept as it was written. A password inside is refused unless the setting is secret. */
export const urlSetting: SettingMaker<string, UrlOptions> = (options: SettingOptions<string> & UrlOptions) => {
  const { protocols = ['http:', 'https:'], secret = false } = options;
  const read = (text: string): Reading<string> => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !protocols.includes(url.protocol)) {
      return { problem: `must be a URL that begins with ${protocols.join(' or ')}` };
    }
    if (!secret && (url.username !== '' || url.password !== '')) return { problem: 'must not hold a user or password' };
    return { value: text };
  };
  return createSetting<string>(options, { kind: 'URL', secret, read }, ['protocols', 'secret']);
};
