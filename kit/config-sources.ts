import { readFileSync, statSync } from 'node:fs';
import { parseEnv } from 'node:util';
import type { SettingProblem } from './config-error.ts';

/** Where names stand: the process environment, or the `.env` file below it. */
export type Environment = Readonly<Record<string, string | undefined>>;

const fileLimitBytes = 65_536;

/** The names of a `.env` file; none where it does not exist. */
export const readEnvFile = (path: string): Environment | SettingProblem => {
  const text = readText(path);
  if (text.code === 'ENOENT') return {};
  return text.content === undefined ? unreadable(path, text.code) : parseEnv(text.content);
};

/** The members of a JSON settings file. It was asked for by name, so it has to exist. */
export const readSettingsFile = (path: string): { readonly members: object } | SettingProblem => {
  const text = readText(path);
  if (text.content === undefined) return unreadable(path, text.code);
  const members = parseJson(text.content);
  if (typeof members === 'object' && members !== null && !Array.isArray(members)) return { members };
  return { setting: path, problem: 'must hold one JSON object' };
};

/** The secret in the file that `<name>_FILE` names, without the line end that editors add. */
export const readSecretFile = (name: string, path: string): { readonly text: string } | SettingProblem => {
  const text = readText(path);
  if (text.content === undefined)
    return { setting: name, problem: `names the file ${path}, which cannot be read (${text.code})` };
  const secret = text.content.replace(/\r?\n$/, '');
  return secret === '' ? { setting: name, problem: `names the file ${path}, which is empty` } : { text: secret };
};

const unreadable = (path: string, code: string): SettingProblem => ({
  setting: path,
  problem: `cannot be read (${code})`,
});

type TextOfFile =
  | { readonly content: string; readonly code?: undefined }
  | { readonly content?: undefined; readonly code: string };

const readText = (path: string): TextOfFile => {
  try {
    if (statSync(path).size > fileLimitBytes) return { code: `more than ${fileLimitBytes} bytes` };
    return { content: readFileSync(path, 'utf8') };
  } catch (error) {
    return { code: error instanceof Error && 'code' in error ? String(error.code) : 'unknown error' };
  }
};

/** `undefined` where it is no JSON: the parser's message quotes the text, which may hold a secret. */
const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The two names that decide what is read at all may stand in `.env` like any other; the process environment wins. */
export const startNames = (env: Environment, envFile: string | undefined): ((name: string) => string | undefined) => {
  const file = envFile === undefined ? {} : readEnvFile(envFile);
  // One that cannot be read is reported by `loadSettings`, together with everything else.
  const below: Environment = 'problem' in file && 'setting' in file ? {} : file;
  return (name) => env[name]?.trim() || below[name]?.trim() || undefined;
};
