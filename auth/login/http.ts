/** The login's door: translates, nothing else. */
import { Problem } from '@sallyport/contract';
import type { AuthSettings } from '../config.ts';
import type { OpenHandler, RouteAnswer, RouteRequest } from '../route.ts';
import type { RefreshTransport } from '../tokens/refresh-transport.ts';
import type { TokenAnswerInput } from '../tokens/token-answer.ts';
import type { createLogin } from './login.ts';

export interface LoginHttpOptions {
  readonly login: ReturnType<typeof createLogin>;
  /** Ends the session of a refresh cookie that came with the login. */
  readonly endEarlierSession: (token: string, context: RouteRequest['context']) => Promise<unknown>;
  readonly transport: RefreshTransport;
  readonly answerWithTokens: (input: TokenAnswerInput) => Promise<RouteAnswer>;
  readonly settings: Pick<AuthSettings, 'shape' | 'messageTexts' | 'revealDisabled'>;
}

export const createLoginHttp = (options: LoginHttpOptions): { readonly login: OpenHandler } => {
  const { login, transport, answerWithTokens, settings } = options;
  return {
    login: async (request) => {
      transport.assertSameSite(request);
      const { body, origin, context } = request;
      const earlier = transport.readCookie(request);
      const identifier = String(body[settings.shape.identifier]);
      const outcome = await login({ identifier, password: String(body['password']), origin, context });
      switch (outcome.kind) {
        case 'tokens':
          request.noteUser(outcome.user.id);
          // One browser has one session: the one that its cookie stood for is over.
          if (earlier !== undefined) await options.endEarlierSession(earlier, context);
          return answerWithTokens({ status: 200, message: settings.messageTexts.loggedIn, ...outcome });
        case 'disabled':
          throw new Problem(settings.revealDisabled ? 'account_disabled' : 'credentials_invalid');
        case 'refused':
          throw new Problem('credentials_invalid');
      }
    },
  };
};
