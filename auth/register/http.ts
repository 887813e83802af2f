/** The registration's door: translates, nothing else. */
import { Problem } from '@sallyport/contract';
import type { AuthSettings } from '../config.ts';
import { refusedPassword } from '../factors/factor.ts';
import type { OpenHandler, RouteAnswer, RouteRequest } from '../route.ts';
import type { RefreshTransport } from '../tokens/refresh-transport.ts';
import type { NewLogin, StartedSession } from '../tokens/start-session.ts';
import { type TokenAnswerInput, userView } from '../tokens/token-answer.ts';
import type { createRegister, RegisterOutcome } from './register.ts';

export interface RegisterHttpOptions {
  readonly register: ReturnType<typeof createRegister>;
  readonly startSession: (login: NewLogin) => Promise<StartedSession>;
  /** Ends the session of a refresh cookie that came with the registration. */
  readonly endEarlierSession: (token: string, context: RouteRequest['context']) => Promise<unknown>;
  readonly transport: RefreshTransport;
  readonly answerWithTokens: (input: TokenAnswerInput) => Promise<RouteAnswer>;
  readonly settings: Pick<AuthSettings, 'registrationIssuesTokens' | 'messageTexts'>;
}

export const createRegisterHttp = (options: RegisterHttpOptions): { readonly register: OpenHandler } => ({
  register: async (request) => {
    const { registrationIssuesTokens, messageTexts } = options.settings;
    if (registrationIssuesTokens) options.transport.assertSameSite(request);
    const earlier = registrationIssuesTokens ? options.transport.readCookie(request) : undefined;
    const { user } = expectRegistered(await options.register(request.body, request.context));
    request.noteUser(user.id);
    const message = messageTexts.registered;
    if (!registrationIssuesTokens) return { status: 201, body: { message, user: userView(user) } };
    const { origin, context } = request;
    const started = await options.startSession({ user, amr: ['pwd'], origin, context });
    // As at a login: one browser has one session, and this answer's cookie takes the place of the one that came.
    if (earlier !== undefined) await options.endEarlierSession(earlier, context);
    return options.answerWithTokens({ status: 201, message, user, ...started });
  },
});

const expectRegistered = (outcome: RegisterOutcome): Extract<RegisterOutcome, { kind: 'registered' }> => {
  switch (outcome.kind) {
    case 'registered':
      return outcome;
    case 'taken':
      throw new Problem('account_exists');
    case 'missing':
      throw new Problem('field_missing', { fields: outcome.fields });
    case 'identifier_invalid':
      throw new Problem('email_invalid');
    case 'identifier_unseen':
      throw new Problem('username_unseen', { fields: [{ path: '/username', code: 'username_unseen' }] });
    case 'password_refused':
      throw refusedPassword(outcome.problem, '/password');
  }
};
