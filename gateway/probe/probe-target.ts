import { setTimeout as sleep } from 'node:timers/promises';
import { askWithoutAssertion, type QuestionOptions, type Reply } from './ask-without-assertion.ts';

export interface ProbeTargetOptions extends Omit<QuestionOptions, 'path'> {
  /** Asked one after another until one says something; at least one. */
  readonly paths: readonly string[];
  /** Between two rounds with a server that is not up. */
  readonly retryMs: number;
  /** How long it is waited for. */
  readonly limitMs: number;
  /** Milliseconds that only grow. */
  readonly elapsedMs: () => number;
}

/** The last reply, and the path that it was about. */
export interface Finding extends Reply {
  readonly path: string;
}

/** Asks one server until it says something about itself, has said nothing at each path, or has not come up in time. */
export const probeTarget = async (options: ProbeTargetOptions): Promise<Finding> => {
  const { retryMs, limitMs, elapsedMs, signal } = options;
  const untilMs = elapsedMs() + limitMs;
  for (;;) {
    const finding = await askInTurn(options);
    if (finding.verdict !== 'not up' || signal.aborted || elapsedMs() + retryMs > untilMs) return finding;
    // A probe never keeps a process.
    await sleep(retryMs, undefined, { ref: false });
  }
};

const askInTurn = async ({ paths, address, timeoutMs, signal }: ProbeTargetOptions): Promise<Finding> => {
  let finding: Finding = { verdict: 'not up', status: 0, path: '' };
  for (const path of paths) {
    finding = { path, ...(await askWithoutAssertion({ address, path, timeoutMs, signal })) };
    if (finding.verdict !== 'says nothing') break;
  }
  return finding;
};
