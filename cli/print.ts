/** Every command that prints something takes it. */
export const jsonOption = ['--json', 'print JSON', false] as const;

export interface Json {
  readonly json: boolean;
}

/** One line of JSON, or what a person reads. */
export const print = (json: boolean, value: object, text: string): void => {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : text);
};
