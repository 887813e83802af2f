/** The account's doors: me, verify, change password, delete. They translate, nothing else. */
import { Problem } from '@sallyport/contract';
import { cookieValues } from '@sallyport/kit/cookies';
import type { CsrfTokens } from '@sallyport/kit/csrf';
import type { AuthSettings } from '../config.ts';
import { refusedPassword } from '../factors/factor.ts';
import type { BearerHandler, BearerRequest, RouteAnswer } from '../route.ts';
import type { RefreshTransport } from '../tokens/refresh-transport.ts';
import { csrfCookie, type TokenAnswerInput, userView } from '../tokens/token-answer.ts';
import type { ChangePasswordOutcome, createChangePassword } from './change-password.ts';
import type { createDeleteAccount } from './delete-account.ts';

export interface AccountHttpOptions {
  readonly changePassword: ReturnType<typeof createChangePassword>;
  readonly deleteAccount: ReturnType<typeof createDeleteAccount>;
  readonly answerWithTokens: (input: TokenAnswerInput) => Promise<RouteAnswer>;
  readonly csrf: CsrfTokens;
  readonly transport: RefreshTransport;
  readonly settings: Pick<AuthSettings, 'messageTexts' | 'csrfCookie' | 'csrfCookieTtlSeconds'>;
}

export const createAccountHttp = (
  options: AccountHttpOptions,
): Readonly<Record<'me' | 'verify' | 'changePassword' | 'deleteAccount', BearerHandler>> => {
  const { settings } = options;
  return {
    me: async ({ caller }) => ({ status: 200, body: { user: userView(caller.user) } }),
    verify: async (request) => {
      const csrf_valid = isCsrfPairValid(request, settings.csrfCookie, options.csrf);
      return { status: 200, body: { valid: true, csrf_valid, user: userView(request.caller.user) } };
    },
    changePassword: async ({ body, caller, context }) => {
      const outcome = await options.changePassword({
        ...caller,
        currentPassword: String(body['current_password']),
        newPassword: String(body['new_password']),
        context,
      });
      const changed = expectChanged(outcome);
      return options.answerWithTokens({ status: 200, message: settings.messageTexts.passwordChanged, ...changed });
    },
    deleteAccount: async ({ caller, context }) => {
      await options.deleteAccount(caller.user.id, context);
      const body = { message: settings.messageTexts.accountDeleted, user_id: caller.user.id };
      return { status: 200, body, cookies: [csrfCookie(settings, undefined), ...options.transport.cookies(undefined)] };
    },
  };
};

/** contracts/microservices.md: true when header and cookie are both absent, or each is valid for this session. */
const isCsrfPairValid = (request: BearerRequest, cookieName: string, csrf: CsrfTokens): boolean => {
  const header = request.header('x-csrf-token');
  const cookies = cookieValues(request.cookieHeader, cookieName);
  if (cookies.length > 1) throw new Problem('cookie_ambiguous', { params: { cookie: cookieName } });
  const [cookie] = cookies;
  if (header === undefined && cookie === undefined) return true;
  if (header === undefined || cookie === undefined) return false;
  const sessionId = request.caller.session.id;
  return csrf.isValid(header, sessionId) && csrf.isValid(cookie, sessionId);
};

const expectChanged = (outcome: ChangePasswordOutcome): Extract<ChangePasswordOutcome, { kind: 'changed' }> => {
  switch (outcome.kind) {
    case 'changed':
      return outcome;
    case 'wrong_password':
      throw new Problem('credentials_invalid');
    case 'unchanged':
      throw new Problem('password_unchanged');
    case 'password_refused':
      throw refusedPassword(outcome.problem, '/new_password');
    case 'overtaken':
      throw new Problem('token_revoked');
  }
};
