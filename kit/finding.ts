import type { SettingsError } from './config-error.ts';

/** What an examination of an installation tells, one thing at a time. Never: a secret, or the value of a setting that holds one. */
export interface Finding {
  /** What was looked at, for example `store`. */
  readonly subject: string;
  readonly verdict: 'ok' | 'warning' | 'fault';
  /** What was found. */
  readonly found: string;
  /** What to do about it. */
  readonly mend?: string;
}

/** How each problem of the settings is mended: by its own hint where it has one. */
export const settingFaults = (
  subject: string,
  { problems, hints }: Pick<SettingsError, 'problems' | 'hints'>,
): readonly Finding[] =>
  problems.map(({ setting, problem }) => {
    const hint = hints.find((line) => line.startsWith(`${setting}: `))?.slice(setting.length + 2);
    const mend = hint ?? 'Set it as said; docs/generated/settings.md has them all.';
    return findingsOn(subject).fault(`${setting} ${problem}`, mend);
  });

/** Findings about one subject. */
export const findingsOn = (subject: string) => ({
  ok: (found: string): Finding => ({ subject, verdict: 'ok', found }),
  warning: (found: string, mend: string): Finding => ({ subject, verdict: 'warning', found, mend }),
  fault: (found: string, mend: string): Finding => ({ subject, verdict: 'fault', found, mend }),
});
