/** The registration's door: translates, nothing else. */
import { Problem } from '@sallyport/contract';
import type { AuthSettings } from '../config.ts';
import { refusedPassword } from '../factors/factor.ts';
import type { OpenHandler, RouteAnswer } from '../route.ts';
import type { RefreshTransport } from '../tokens/refresh-transport.ts';
import type { NewLogin, StartedSession } from '../tokens/start-session.ts';
import { type TokenAnswerInput, userView } from '../tokens/token-answer.ts';
import type { createRegister, RegisterOutcome } from './register.ts';

export interface RegisterHttpOptions {
  readonly register: ReturnType<typeof createRegister>;
  readonly startSession: (login: NewLogin) => Promise<StartedSession>;
  readonly transport: RefreshTransport;
  readonly answerWithTokens: (input: TokenAnswerInput) => Promise<RouteAnswer>;
  readonly settings: Pick<AuthSettings, 'registrationIssuesTokens' | 'messageTexts'>;
}

export const createRegisterHttp = (options: RegisterHttpOptions): { readonly register: OpenHandler } => ({
  register: async (request) => {
    if (options.settings.registrationIssuesTokens) options.transport.assertSameSite(request);
    const { user } = expectRegistered(await options.register(request.body, request.context));
    request.noteUser(user.id);
    const message = options.settings.messageTexts.registered;
    if (!options.settings.registrationIssuesTokens) return { status: 201, body: { message, user: userView(user) } };
    const { origin, context } = request;
    const started = await options.startSession({ user, amr: ['pwd'], origin, context });
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
    case 'password_refused':
      throw refusedPassword(outcome.problem, '/password');
  }
};
