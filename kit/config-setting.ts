import { type DurationUnit, durationUnits } from './config-units.ts';

/** Another environment name for a setting. */
export interface SettingAlias {
  readonly env: string;
  /** Durations: the unit of a bare number under this name. Default: the setting's own. */
  readonly unit?: DurationUnit;
  /** Turns this name's text into the canonical name's form; `undefined` = it has the wrong form. */
  readonly translate?: (text: string) => string | undefined;
}

/** Options that every kind takes. A setting without `default` and without `optional: true` is required. */
export interface SettingOptions<T> {
  /** Canonical environment name. */
  readonly env: string;
  readonly aliases?: readonly (string | SettingAlias)[];
  /** One or two sentences for the generated documentation. */
  readonly doc: string;
  readonly default?: T;
  readonly optional?: boolean;
  /** A further rule: what is wrong, as the rest of a sentence that begins with the name; `undefined` = nothing. */
  readonly check?: (value: T) => string | undefined;
  /** Says why a value is insecure; it then warns at start. `undefined` = it is not. */
  readonly insecure?: (value: T) => string | undefined;
  /** How somebody comes by a value where it is missing: a command for a shell, or where it is kept. Default: the kind's. */
  readonly howToMake?: string;
}

export type Reading<T> = { readonly value: T } | { readonly problem: string };

/** One setting of a schema. `T` is the type of its value; it contains `undefined` where the setting is optional. */
export interface Setting<T> {
  /** What may be written, for the documentation: `port`, `on or off`, … */
  readonly kind: string;
  /** `undefined`: only a preset or a file can give it. */
  readonly env: string | undefined;
  readonly aliases: readonly SettingAlias[];
  readonly doc: string;
  /** Secret: `<NAME>_FILE` is read too, and the value is never printed. */
  readonly secret: boolean;
  readonly required: boolean;
  readonly defaultValue: T | undefined;
  /** The default as it would be written in the environment. */
  readonly defaultText: string | undefined;
  /** Told when the start is refused because it is missing. */
  readonly howToMake: string | undefined;
  /** Reads the text of an environment name. */
  read(text: string, alias: SettingAlias | undefined): Reading<T>;
  /** Reads the value of a preset or a JSON file. */
  accept(value: unknown): Reading<T>;
  /** A value that `read` or `accept` gave, as it would be written in the environment. */
  show(value: unknown): string;
  warning(value: unknown): string | undefined;
}

/** What a kind adds to the common options. */
export interface Kind<T> {
  readonly kind: string;
  readonly secret?: boolean;
  readonly read: (text: string, alias: SettingAlias | undefined) => Reading<T>;
  /** Default: strings, numbers, booleans and lists of them are read as the text that would stand in the environment. */
  readonly accept?: (value: unknown) => Reading<T>;
  readonly show?: (value: T) => string;
  readonly howToMake?: string;
}

/** A maker of settings: optional ones may be `undefined`, all others never are. */
export interface SettingMaker<T, Extra> {
  (options: SettingOptions<T> & Extra & { readonly optional: true }): Setting<T | undefined>;
  (options: SettingOptions<T> & Extra & { readonly optional?: false }): Setting<T>;
}

const commonOptions = ['env', 'aliases', 'doc', 'default', 'optional', 'check', 'insecure', 'howToMake'];
const envName = /^[A-Z][A-Z0-9_]*$/;

/** Builds a setting from its options and its kind; a misspelt option or a default that the kind refuses throws `TypeError`. */
export const createSetting = <T>(
  options: SettingOptions<T>,
  kind: Kind<T>,
  extraOptions: readonly string[],
): Setting<T> => {
  checkOptions(options, [...commonOptions, ...extraOptions]);
  const { env, doc, check } = options;
  const checked = (reading: Reading<T>): Reading<T> => {
    if ('problem' in reading) return reading;
    const problem = check?.(reading.value);
    return problem === undefined ? reading : { problem };
  };
  const read = (text: string, alias: SettingAlias | undefined) => checked(kind.read(text, alias));
  const accept = (value: unknown) => checked(kind.accept ? kind.accept(value) : readAsText(value, kind.read));
  if (options.default !== undefined) checkDefault(env, accept(options.default));
  const show = (value: T): string => (kind.show ?? String)(value);
  return Object.freeze({
    kind: kind.kind,
    env,
    aliases: Object.freeze((options.aliases ?? []).map(aliasOf)),
    doc,
    secret: kind.secret ?? false,
    required: options.default === undefined && options.optional !== true,
    defaultValue: options.default,
    defaultText: options.default === undefined ? undefined : show(options.default),
    howToMake: options.howToMake ?? kind.howToMake,
    read,
    accept,
    // Only what `read` or `accept` gave comes back here and below.
    show: (value: unknown) => show(value as T),
    warning: (value: unknown) => (value === undefined ? undefined : options.insecure?.(value as T)),
  });
};

/** A setting that the environment cannot give: structured data of presets and files, such as error texts. */
export const dataSetting = <T>(options: {
  readonly doc: string;
  readonly default: T;
  /** What is wrong with a foreign value, as the rest of a sentence; `undefined` = it is a `T`. */
  readonly check: (value: unknown) => string | undefined;
}): Setting<T> => {
  checkOptions(options, ['doc', 'default', 'check']);
  const { doc, check } = options;
  const accept = (value: unknown): Reading<T> => {
    const problem = check(value);
    return problem === undefined ? { value: value as T } : { problem };
  };
  checkDefault('a data setting', accept(options.default));
  return Object.freeze({
    kind: 'data',
    env: undefined,
    aliases: [],
    doc,
    secret: false,
    required: false,
    defaultValue: options.default,
    defaultText: undefined,
    howToMake: undefined,
    show: (value: unknown) => JSON.stringify(value),
    read: () => ({ problem: 'can be given by a preset or a settings file only' }),
    accept,
    warning: () => undefined,
  });
};

const aliasOf = (alias: string | SettingAlias): SettingAlias => {
  if (typeof alias === 'string') return Object.freeze({ env: alias });
  checkOptions(alias, ['env', 'unit', 'translate']);
  if (alias.unit !== undefined && !Object.hasOwn(durationUnits, alias.unit))
    throw new TypeError(`unknown unit ${alias.unit}`);
  return Object.freeze({ ...alias });
};

const checkOptions = (options: object, known: readonly string[]): void => {
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new TypeError(`unknown option of a setting: ${unknown.join(', ')}`);
};

const checkDefault = (name: string, reading: Reading<unknown>): void => {
  if ('problem' in reading) throw new TypeError(`the default of ${name} ${reading.problem}`);
};

const readAsText = <T>(value: unknown, read: Kind<T>['read']): Reading<T> => {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return read(value.join(','), undefined);
  if (typeof value === 'string') return read(value.trim(), undefined);
  if (typeof value === 'number' || typeof value === 'boolean') return read(String(value), undefined);
  return { problem: 'has a value of the wrong type' };
};

/** A server's settings by the name that code reads. Keys are members of presets and files. */
export type SettingsSchema = Readonly<Record<string, Setting<unknown>>>;
export type SettingsOf<S extends SettingsSchema> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};
/** What a preset may give: any of the settings. */
export type PresetOf<S extends SettingsSchema> = Partial<SettingsOf<S>>;

/** Checks a schema as a whole: well-formed environment names, each used once, each setting documented. */
export const defineSettings = <const S extends SettingsSchema>(schema: S): S => {
  const names = settingNames(schema);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (twice.length > 0) throw new TypeError(`environment names used twice: ${twice.join(', ')}`);
  const malformed = names.filter((name) => !envName.test(name));
  if (malformed.length > 0) throw new TypeError(`not environment names: ${malformed.join(', ')}`);
  for (const [key, { doc }] of Object.entries(schema)) {
    if (doc.trim() === '') throw new TypeError(`the setting ${key} has no documentation`);
  }
  return Object.freeze({ ...schema });
};

/** All environment names of a schema with aliases and `_FILE` variants: `knownElsewhere` of the other servers. */
export const settingNames = (schema: SettingsSchema): string[] =>
  Object.values(schema).flatMap((setting) =>
    namesOf(setting).flatMap(({ env }) => (setting.secret ? [env, `${env}_FILE`] : [env])),
  );

/** Canonical name and aliases; none for data settings. */
export const namesOf = (setting: Setting<unknown>): readonly SettingAlias[] =>
  setting.env === undefined ? [] : [{ env: setting.env }, ...setting.aliases];
