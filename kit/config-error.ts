/** One thing that is wrong with the settings. Neither member ever holds a secret's value. */
export interface SettingProblem {
  /** The name as the operator wrote it: an environment name, or the member of a file. */
  readonly setting: string;
  /** What is wrong and what to do, as the rest of a sentence that begins with the name. */
  readonly problem: string;
}

/** The settings cannot be used. Lists every problem, so that one start shows all that has to be mended. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly problems: readonly SettingProblem[];
  /** How to come by what is missing, a line each; not a part of the message, whose lines contracts promise. */
  readonly hints: readonly string[];

  constructor(problems: readonly SettingProblem[], hints: readonly string[] = []) {
    super(problems.map(problemLine).join('\n'));
    this.problems = Object.freeze([...problems]);
    this.hints = Object.freeze([...hints]);
  }
}

/** What is printed where a start is refused. */
export const refusalText = ({ message, hints }: Pick<SettingsError, 'message' | 'hints'>): string =>
  hints.length === 0
    ? `${message}\n`
    : `${message}\n\nHow to come by what is missing:\n${hints.map((line) => `  ${line}\n`).join('')}`;

export const problemLine = ({ setting, problem }: SettingProblem): string => `${setting} ${problem}`;

/** The text that contracts promise for a missing setting: `<NAME> is required`. */
export const settingRequired = (setting: string): SettingProblem => ({ setting, problem: 'is required' });
