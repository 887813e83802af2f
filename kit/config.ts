/**
 * Settings: one schema per server gives the environment (with `_FILE` variants for secrets), the settings file, the
 * documentation and `.env.example`. Strict: what is misspelt, doubled or malformed refuses the start, all problems at once.
 * Order, strongest first: process environment, `.env`, settings file, preset, default.
 * Never: prints a secret's value, reads `NODE_ENV`, makes a secret, or hands out an object that can be changed.
 */
import { isDeepStrictEqual } from 'node:util';
import { type SettingProblem, SettingsError, settingRequired } from './config-error.ts';
import { misspeltNames, nearestName } from './config-near-miss.ts';
import {
  namesOf,
  type PresetOf,
  type Reading,
  type Setting,
  type SettingAlias,
  type SettingsOf,
  type SettingsSchema,
  settingNames,
} from './config-setting.ts';
import { type Environment, readEnvFile, readSecretFile, readSettingsFile } from './config-sources.ts';

export { settingsEnvExample, settingsMarkdown } from './config-docs.ts';
export { durationSetting } from './config-duration.ts';
export { refusalText, type SettingProblem, SettingsError, settingRequired } from './config-error.ts';
export {
  booleanSetting,
  choiceSetting,
  integerSetting,
  listSetting,
  originsSetting,
  portSetting,
  shareSetting,
  textSetting,
  urlSetting,
} from './config-kinds.ts';
export { keyListSetting, type NamedKey, secretSetting } from './config-secret.ts';
export {
  dataSetting,
  defineSettings,
  type PresetOf,
  type Setting,
  type SettingsOf,
  type SettingsSchema,
  settingNames,
} from './config-setting.ts';
export { type Environment, startNames } from './config-sources.ts';

export interface SettingsInput<S extends SettingsSchema> {
  /** The process environment. Empty values count as not given. */
  readonly env: Environment;
  /** Path of a `.env` file; it need not exist. */
  readonly envFile?: string;
  /** Path of a JSON settings file whose members are the schema's keys; it must exist. */
  readonly file?: string;
  readonly preset?: PresetOf<S>;
  /**
   * Members of the file that hold one server's settings each, so that one file can serve several: this server's own stand over
   * the file's other members, those of the others are passed over.
   */
  readonly sections?: { readonly own: string; readonly others: readonly string[] };
  /** Names of other servers' settings (`settingNames`), so that one environment can serve all servers. */
  readonly knownElsewhere?: readonly string[];
  /**
   * Rules across settings, asked when each given value by itself is right. A required setting that is missing is undefined
   * then: one that is missing by a rule has to be told in the same start.
   */
  readonly check?: (settings: SettingsOf<S>) => readonly SettingProblem[];
}

/** Where a value came from: a name of the environment, `settings file`, `preset` or `default`. */
export type SettingSource = string;

export interface LoadedSettings<S extends SettingsSchema> {
  /** Frozen, all levels. */
  readonly settings: SettingsOf<S>;
  /** One sentence for each insecure value, beginning with the setting's name. */
  readonly warnings: readonly string[];
  readonly sources: Readonly<Record<keyof S, SettingSource>>;
}

/** Reads and checks all settings. Throws `SettingsError` with every problem. */
export const loadSettings = <S extends SettingsSchema>(schema: S, input: SettingsInput<S>): LoadedSettings<S> => {
  const problems: SettingProblem[] = [];
  const layers = readLayers(schema, input, problems);
  const found = Object.entries(schema).map(([key, setting]) => ({
    key,
    setting,
    ...find(key, setting, layers, problems),
  }));
  if (!problems.every(isMissing)) throw refused(schema, problems);

  const settings = Object.freeze(
    Object.fromEntries(found.map(({ key, value }) => [key, freezeDeep(value)])),
  ) as SettingsOf<S>;
  problems.push(...(input.check?.(settings) ?? []));
  if (problems.length > 0) throw refused(schema, problems);
  return Object.freeze({
    settings,
    warnings: Object.freeze(found.flatMap(({ key, setting, value }) => warningOf(key, setting, value))),
    sources: Object.freeze(Object.fromEntries(found.map(({ key, source }) => [key, source]))) as Record<
      keyof S,
      SettingSource
    >,
  });
};

const refused = (schema: SettingsSchema, problems: readonly SettingProblem[]): SettingsError => {
  const missing = Object.values(schema).filter(({ env = '' }) =>
    problems.some((problem) => problem.setting === env && isMissing(problem)),
  );
  const hints = missing.flatMap(({ env, howToMake }) => (howToMake === undefined ? [] : [`${env}: ${howToMake}`]));
  return new SettingsError(problems, hints);
};

const isMissing = ({ setting, problem }: SettingProblem): boolean => problem === settingRequired(setting).problem;

interface Layers {
  readonly environments: readonly Environment[];
  readonly objects: readonly { readonly source: SettingSource; readonly members: Readonly<Record<string, unknown>> }[];
}

const readLayers = <S extends SettingsSchema>(
  schema: S,
  input: SettingsInput<S>,
  problems: SettingProblem[],
): Layers => {
  const envFile = input.envFile === undefined ? {} : readEnvFile(input.envFile);
  const file = input.file === undefined ? { members: {} } : readSettingsFile(input.file);
  if (isProblem(envFile)) problems.push(envFile);
  if (isProblem(file)) problems.push(file);
  const environments = [input.env, isProblem(envFile) ? {} : envFile].map(withoutEmpty);
  const objects = [
    { source: 'settings file', members: isProblem(file) ? {} : ownMembers({ ...file.members }, input, problems) },
    { source: 'preset', members: { ...input.preset } },
  ];
  const known = [...settingNames(schema), ...(input.knownElsewhere ?? [])];
  problems.push(...misspeltNames([...new Set(environments.flatMap(Object.keys))], known));
  problems.push(...objects.flatMap(({ source, members }) => unknownMembers(source, members, Object.keys(schema))));
  return { environments, objects };
};

/** The file's members without sections, and over them those of this server's section. */
const ownMembers = <S extends SettingsSchema>(
  members: Readonly<Record<string, unknown>>,
  { sections }: SettingsInput<S>,
  problems: SettingProblem[],
): Readonly<Record<string, unknown>> => {
  if (sections === undefined) return members;
  const { own, others } = sections;
  const common = Object.fromEntries(Object.entries(members).filter(([name]) => name !== own && !others.includes(name)));
  const section = members[own] ?? {};
  if (typeof section === 'object' && !Array.isArray(section)) return { ...common, ...section };
  problems.push({ setting: own, problem: 'in the settings file must be an object: the settings of this server' });
  return common;
};

const isProblem = (value: object): value is SettingProblem => 'problem' in value && 'setting' in value;

const withoutEmpty = (environment: Environment): Environment =>
  Object.fromEntries(Object.entries(environment).filter(([, text]) => text !== undefined && text.trim() !== ''));

const unknownMembers = (source: SettingSource, members: object, keys: readonly string[]): SettingProblem[] =>
  Object.keys(members)
    .filter((member) => !keys.includes(member))
    .map((member) => {
      const match = nearestName(member, keys);
      const advice = match === undefined ? 'remove it' : `did you mean ${match}?`;
      return { setting: member, problem: `in the ${source} is not a setting; ${advice}` };
    });

interface Found {
  readonly value?: unknown;
  readonly source: SettingSource;
}

/** The value from the strongest layer that gives one; problems are noted and the setting left out. */
const find = (key: string, setting: Setting<unknown>, layers: Layers, problems: SettingProblem[]): Found => {
  for (const environment of layers.environments) {
    const given = givenNames(setting, environment, problems);
    // Names of one setting in the process environment win as a group over those in `.env`.
    if (given.length > 0) return agreed(given, problems);
  }
  for (const { source, members } of layers.objects) {
    if (Object.hasOwn(members, key) && members[key] !== undefined) {
      return { source, ...noted(`${key} in the ${source}`, setting.accept(members[key]), problems) };
    }
  }
  if (setting.required) problems.push(settingRequired(setting.env ?? key));
  return { source: 'default', value: setting.defaultValue };
};

interface Given extends Found {
  readonly failed: boolean;
}

/** Every spelling of one setting in one environment, read. */
const givenNames = (setting: Setting<unknown>, environment: Environment, problems: SettingProblem[]): Given[] =>
  namesOf(setting).flatMap((alias) => {
    const direct = environment[alias.env];
    const path = setting.secret ? environment[`${alias.env}_FILE`] : undefined;
    return [
      ...(direct === undefined
        ? []
        : [readName(alias.env, setting.secret ? direct : direct.trim(), setting, alias, problems)]),
      ...(path === undefined ? [] : [readFileName(`${alias.env}_FILE`, path, setting, alias, problems)]),
    ];
  });

const readFileName = (
  name: string,
  path: string,
  setting: Setting<unknown>,
  alias: SettingAlias,
  problems: SettingProblem[],
) => {
  const file = readSecretFile(name, path);
  if ('text' in file) return readName(name, file.text, setting, alias, problems);
  problems.push(file);
  return { source: name, failed: true };
};

const readName = (
  name: string,
  text: string,
  setting: Setting<unknown>,
  alias: SettingAlias,
  problems: SettingProblem[],
): Given => {
  const canonical = alias.translate === undefined ? text : alias.translate(text);
  const reading = canonical === undefined ? { problem: 'has the wrong form' } : setting.read(canonical, alias);
  const shown = setting.secret ? '' : ` (given: ${JSON.stringify(text.slice(0, 60))})`;
  const told = 'problem' in reading ? { problem: `${reading.problem}${shown}` } : reading;
  return { source: name, failed: 'problem' in reading, ...noted(name, told, problems) };
};

const noted = (name: string, reading: Reading<unknown>, problems: SettingProblem[]): { value?: unknown } => {
  if ('value' in reading) return reading;
  problems.push({ setting: name, problem: reading.problem });
  return {};
};

/** Two names of one setting with two values: nobody can know which one is meant. */
const agreed = (given: readonly Given[], problems: SettingProblem[]): Found => {
  const [first, ...others] = given.filter(({ failed }) => !failed);
  if (first === undefined) return { source: 'default' };
  const differing = others.find(({ value }) => !isDeepStrictEqual(value, first.value));
  if (differing !== undefined) {
    problems.push({ setting: differing.source, problem: `and ${first.source} are one setting and differ: remove one` });
  }
  return first;
};

const warningOf = (key: string, setting: Setting<unknown>, value: unknown): string[] => {
  const warning = setting.warning(value);
  return warning === undefined ? [] : [`${setting.env ?? key} ${warning}`];
};

/** Copies what a preset gave, so that freezing or a later change there touches nothing here. Bytes cannot be frozen. */
const freezeDeep = (value: unknown): unknown => {
  if (Array.isArray(value)) return Object.freeze(value.map(freezeDeep));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, freezeDeep(inner)])));
};
