/** What a shell learns from the command; `--help` tells it. */
export const exitCodes = {
  done: 0,
  /** It could not be done, or there is no such account. */
  failed: 1,
  /** An unknown command, option or argument. */
  usage: 2,
  /** sysexits EX_CONFIG: the settings are refused. */
  settings: 78,
} as const;

/** Thrown to end the command with a message and a code. The message is for the user and holds no secret. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}
