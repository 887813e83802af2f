/** The login's door: translates, nothing else. */
import { Problem } from '@sallyport/contract';
import type { AuthSettings } from '../config.ts';
import type { OpenHandler, RouteAnswer } from '../route.ts';
import type { TokenAnswerInput } from '../tokens/token-answer.ts';
import type { createLogin } from './login.ts';

export interface LoginHttpOptions {
  readonly login: ReturnType<typeof createLogin>;
  readonly answerWithTokens: (input: TokenAnswerInput) => Promise<RouteAnswer>;
  readonly settings: Pick<AuthSettings, 'shape' | 'messageTexts' | 'revealDisabled'>;
}

export const createLoginHttp = ({
  login,
  answerWithTokens,
  settings,
}: LoginHttpOptions): { readonly login: OpenHandler } => ({
  login: async ({ body, origin, context, noteUser }) => {
    const identifier = String(body[settings.shape.identifier]);
    const outcome = await login({ identifier, password: String(body['password']), origin, context });
    switch (outcome.kind) {
      case 'tokens':
        noteUser(outcome.user.id);
        return answerWithTokens({ status: 200, message: settings.messageTexts.loggedIn, ...outcome });
      case 'disabled':
        throw new Problem(settings.revealDisabled ? 'account_disabled' : 'credentials_invalid');
      case 'refused':
        throw new Problem('credentials_invalid');
    }
  },
});
