/** Calls the admin API with a service credential. */
import { CommandError, exitCodes } from '../exit-codes.ts';

export interface AdminClientOptions {
  /** `https://…`, or `http://` on this machine alone: the credential would be read on the way. */
  readonly url: string;
  readonly credential: string;
}

export interface AdminClient {
  /** Undefined: 404. @throws AdminRefusal for any other refusal, with its code */
  call<Answer>(method: string, path: string, body?: object): Promise<Answer | undefined>;
}

/** What the admin API has answered, by its stable code; empty where it gave none. */
export class AdminRefusal extends CommandError {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const limitMs = 30_000;
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** @throws CommandError for an address that a credential is not sent to */
export const adminClient = ({ url, credential }: AdminClientOptions): AdminClient => {
  const base = URL.parse(url);
  if (base === null || !/^https?:$/.test(base.protocol))
    throw new CommandError('--url is an address such as https://admin.example.org', exitCodes.usage);
  if (base.protocol === 'http:' && !loopback.test(base.hostname))
    throw new CommandError('--url: a credential is sent over https alone, but to this machine', exitCodes.usage);
  return {
    call: async <Answer>(method: string, path: string, body?: object) => {
      const answer = await fetch(`${base.origin}/v1/admin${path}`, {
        method,
        // Wherever it led, the credential would go along.
        redirect: 'error',
        signal: AbortSignal.timeout(limitMs),
        headers: {
          authorization: `Bearer ${credential}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }).catch((error: unknown) => {
        throw new CommandError(`${base.origin} does not answer${reasonOf(error)}.`);
      });
      if (answer.ok) return (await answer.json()) as Answer;
      const problem = await problemOf(answer);
      // Of something else that listens there it means nothing.
      if (answer.status === 404 && problem.code !== '' && problem.code !== 'route_unknown') return undefined;
      throw new AdminRefusal(problem.code, `${base.origin} refuses: ${problem.text}`);
    },
  };
};

/** The system's own code, such as ECONNREFUSED; never a message that may quote a header. */
const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  return code === undefined ? '' : ` (${code})`;
};

const problemOf = async (answer: Response): Promise<{ readonly code: string; readonly text: string }> => {
  const body = (await answer.json().catch(() => ({}))) as Readonly<Record<string, unknown>>;
  const { code, title, scope } = body;
  if (typeof code !== 'string') return { code: '', text: `status ${answer.status}, and no problem of an admin API` };
  const needed = typeof scope === 'string' ? `; it asks for ${scope}` : '';
  return { code, text: `${String(title)} (${code})${needed}` };
};
