/** The rules for new passwords: the explicit list, in the order in which they are asked. A new one is one file and one line here. */

import type { Clock } from '@sallyport/kit/clock';
import { SettingsError } from '@sallyport/kit/config';
import type { AuthSettings } from '../../config.ts';
import { openHashFile } from '../breaches/hash-file.ts';
import { createRangeClient } from '../breaches/range-client.ts';
import type { PasswordPolicy } from '../factor.ts';
import { createScorer, type Scorer } from '../strength/scorer.ts';
import { type BreachSource, createBreachedRule } from './breached.ts';
import { createFormRule } from './form.ts';
import { createPersonalRule } from './personal.ts';
import { personalWords } from './personal-words.ts';
import type { PasswordRule } from './rule.ts';
import { createStrengthRule } from './strength.ts';

export interface PolicyOptions {
  readonly settings: Pick<
    AuthSettings,
    | 'serviceName'
    | 'passwordMinLength'
    | 'passwordMinScore'
    | 'passwordRefuseCommon'
    | 'passwordRefusePersonal'
    | 'passwordBreachUrl'
    | 'passwordBreachFile'
    | 'passwordBreachFail'
  >;
  /** What the present hash takes, in UTF-8 bytes. */
  readonly maxBytes: number;
  readonly clock: Clock;
  /** One call per rule that was asked: `passed`, the code of the refusal, or `failed` where it could not say; `breach_lookup` where that failed. */
  readonly observe: (rule: string, outcome: string) => void;
  /** A breached-password lookup that failed, with its private cause; the password was accepted where the setting says `open`. */
  readonly onBreachFailure: (cause: unknown) => void;
}

export interface OpenedPolicy extends PasswordPolicy {
  readonly scorer: Pick<Scorer, 'running' | 'waiting' | 'started'>;
  close(): Promise<void>;
}

/** Throws SettingsError where the file of breached passwords cannot serve. */
export const openPasswordPolicy = async (options: PolicyOptions): Promise<OpenedPolicy> => {
  const { settings, observe } = options;
  const scorer = createScorer();
  const source = await openBreachSource(options);
  const rules = listRules(options, scorer, source);

  const ask = async ({ name, check }: PasswordRule, candidate: Parameters<PasswordRule['check']>[0]) => {
    try {
      const problem = await check(candidate);
      observe(name, problem?.code ?? 'passed');
      return problem;
    } catch (error) {
      observe(name, 'failed');
      throw error;
    }
  };

  return {
    scorer,
    check: async (password, about) => {
      const words = personalWords([...about, settings.serviceName]);
      const candidate = { password: password.normalize('NFKC'), words };
      for (const rule of rules) {
        const problem = await ask(rule, candidate);
        if (problem !== undefined) return problem;
      }
      return undefined;
    },
    close: async () => {
      await scorer.close();
      await source?.close();
    },
  };
};

/** The cheap ones first; who fails one is told about that one. */
const listRules = (
  options: PolicyOptions,
  scorer: Scorer,
  source: BreachSource | undefined,
): readonly PasswordRule[] => {
  const { settings, maxBytes, observe, onBreachFailure } = options;
  const { passwordMinScore: minScore, passwordRefuseCommon: refuseCommon, passwordBreachFail: onFailure } = settings;
  const noteFailure = (cause: unknown): void => {
    observe('breach_lookup', 'failed');
    onBreachFailure(cause);
  };
  return [
    createFormRule({ minLength: settings.passwordMinLength, maxBytes }),
    ...(settings.passwordRefusePersonal ? [createPersonalRule()] : []),
    ...(minScore > 0 || refuseCommon ? [createStrengthRule({ scorer, minScore, refuseCommon })] : []),
    ...(source === undefined ? [] : [createBreachedRule({ source, onFailure, noteFailure })]),
  ];
};

const openBreachSource = async ({ settings, clock }: PolicyOptions): Promise<BreachSource | undefined> => {
  const { passwordBreachUrl: url, passwordBreachFile: path } = settings;
  if (url !== undefined) return createRangeClient({ url, clock });
  if (path === undefined) return undefined;
  try {
    return await openHashFile(path);
  } catch (error) {
    const problem = `cannot be used: ${error instanceof Error ? error.message : 'it cannot be read'}`;
    throw new SettingsError([{ setting: 'PASSWORD_BREACH_FILE', problem }]);
  }
};
