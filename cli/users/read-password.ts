import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { CommandError, exitCodes } from '../exit-codes.ts';

/** From a pipe: its text without the line end. At a terminal: asked twice, not shown. Never an argument. */
export const readPassword = async (input: NodeJS.ReadStream): Promise<string> => {
  const password = input.isTTY ? await askTwice(input) : (await text(input)).replace(/\r?\n$/, '');
  if (password === '') throw new CommandError('No password was given (standard input or prompt).', exitCodes.usage);
  return password;
};

const askTwice = async (input: NodeJS.ReadStream): Promise<string> => {
  // What is typed is echoed to the output that readline is given: to nowhere.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input, output: nowhere, terminal: true });
  try {
    const first = await ask(prompt, 'Password: ');
    const second = await ask(prompt, 'Again: ');
    if (first !== second) throw new CommandError('The two differ; nothing was changed.');
    return first;
  } finally {
    prompt.close();
  }
};

const ask = async (prompt: ReturnType<typeof createInterface>, question: string): Promise<string> => {
  process.stderr.write(question);
  const answer = await prompt.question('');
  process.stderr.write('\n');
  return answer;
};
