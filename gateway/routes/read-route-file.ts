import { readFile, stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { RouteFile } from '../routes.ts';
import { fileFormProblems, type RouteProblem } from './check-form.ts';
import { unlistedServices } from './check-rules.ts';
import { type Place, readYaml } from './read-yaml.ts';

/** A file that has been read and has the right form, or everything that is wrong with it. */
export type RouteFileReading =
  | { readonly file: RouteFile; readonly tell: TellProblem }
  | { readonly file?: undefined; readonly problems: readonly string[] };

/** A problem as one line for a person: `routes.yaml:12:5: routes[3].csrf must be …` */
export type TellProblem = (problem: RouteProblem) => string;

/** Where there is no file to point into. */
export const tellPlainly: TellProblem = ({ pointer, problem }) => `${nameOf(pointer)} ${pointersIn(problem)}`;

const fileLimitBytes = 4_194_304;
const modules: readonly string[] = ['.ts', '.mts', '.js', '.mjs'];
const texts: readonly string[] = ['.yaml', '.yml', '.json'];
let imports = 0;

/**
 * Reads a route file: YAML (JSON is YAML) or a module whose default export it is. A module is loaded anew each time; what it
 * imports is not, and every reading stays in memory. Never throws.
 * @param usual ids of the services where the file lists none, to tell an unknown one beside a wrong form. Default: it is not told
 */
export const readRouteFile = async (path: string, usual?: readonly string[]): Promise<RouteFileReading> => {
  const extension = extname(path).toLowerCase();
  try {
    if (texts.includes(extension)) return readText(path, await textOf(path), usual);
    if (modules.includes(extension)) return await readModule(path, usual);
    return { problems: [`${path}: must end in ${[...texts, ...modules].join(', ')}`] };
  } catch (error) {
    return { problems: [`${path}: ${reasonOf(error)}`] };
  }
};

const textOf = async (path: string): Promise<string> => {
  const { size } = await stat(path);
  if (size > fileLimitBytes) throw new Error(`has more than ${fileLimitBytes} bytes`);
  return readFile(path, 'utf8');
};

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'cannot be read';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code === 'ENOENT' ? 'is not there' : error.message;
};

const readText = (path: string, text: string, usual: readonly string[] | undefined): RouteFileReading => {
  const { value, problems, placeOf } = readYaml(text);
  if (problems.length > 0)
    return { problems: problems.map(({ place, problem }) => `${placed(path, place)}: ${problem}`) };
  return judged(value, usual, (problem) => `${placed(path, placeOf(problem.pointer))}: ${tellPlainly(problem)}`);
};

const readModule = async (path: string, usual: readonly string[] | undefined): Promise<RouteFileReading> => {
  imports += 1;
  // A module is cached by its URL for as long as the process lives.
  const module: unknown = await import(`${pathToFileURL(resolve(path)).href}?read=${imports}`);
  const value: unknown = typeof module === 'object' && module !== null ? Reflect.get(module, 'default') : undefined;
  if (value === undefined) return { problems: [`${path}: has no default export`] };
  // A copy: the module may go on to change what it exported.
  return judged(structuredClone(value), usual, (problem) => `${path}: ${tellPlainly(problem)}`);
};

const judged = (value: unknown, usual: readonly string[] | undefined, tell: TellProblem): RouteFileReading => {
  const problems = fileFormProblems(value);
  const unlisted = usual === undefined ? [] : unlistedServices(value, usual);
  if (problems.length > 0) return { problems: [...problems, ...unlisted].map(tell) };
  // `fileFormProblems` has just found it to be one.
  return { file: value as RouteFile, tell };
};

const placed = (path: string, { line, column }: Place): string => `${path}:${line}:${column}`;

/** `/routes/3/limits` -> `routes[3].limits` */
const nameOf = (pointer: string): string =>
  pointer === ''
    ? 'the file'
    : pointer
        .slice(1)
        .split('/')
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
        .reduce((name, part) => (/^\d+$/.test(part) ? `${name}[${part}]` : `${name}.${part}`));

const pointersIn = (problem: string): string => problem.replaceAll(/\/(?:routes|services)\/\d+/g, nameOf);
