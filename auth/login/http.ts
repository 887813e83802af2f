/** The login's door: translates, nothing else. */
import { Problem } from '@sallyport/contract';
import type { AuthSettings } from '../config.ts';
import type { DeviceProof } from '../factors/factor.ts';
import type { OpenHandler, RouteAnswer, RouteRequest } from '../route.ts';
import type { KeyProver } from '../tokens/prove-key.ts';
import type { RefreshTransport } from '../tokens/refresh-transport.ts';
import type { TokenAnswerInput } from '../tokens/token-answer.ts';
import type { createLogin } from './login.ts';

export interface LoginHttpOptions {
  readonly login: ReturnType<typeof createLogin>;
  /** Ends the session of a refresh cookie that came with the login. */
  readonly endEarlierSession: (token: string, context: RouteRequest['context']) => Promise<unknown>;
  readonly prover: Pick<KeyProver, 'prove'>;
  readonly transport: RefreshTransport;
  readonly answerWithTokens: (input: TokenAnswerInput) => Promise<RouteAnswer>;
  readonly settings: Pick<AuthSettings, 'shape' | 'messageTexts' | 'revealDisabled'>;
}

const proofOf = ({ body, proof }: RouteRequest, { prove }: LoginHttpOptions['prover']): DeviceProof => ({
  username: String(body['username']),
  deviceId: String(body['device_id']),
  timestamp: String(body['timestamp']),
  nonce: String(body['nonce']),
  sessionId: String(body['session_id']),
  signature: String(body['device_signature']),
  ...(proof !== undefined && { proveKey: async (thumbprint) => (await prove(proof, { thumbprint })).proved }),
});

export const createLoginHttp = (options: LoginHttpOptions): { readonly login: OpenHandler } => {
  const { login, transport, answerWithTokens, settings } = options;
  return {
    login: async (request) => {
      transport.assertSameSite(request);
      const { body, context } = request;
      const deviceInfo = body['device_info'];
      const origin = { ...request.origin, ...(typeof deviceInfo === 'string' && { deviceInfo }) };
      const earlier = transport.readCookie(request);
      const identifier = String(body[settings.shape.identifier]);
      const proof = settings.shape.devices === true ? { proof: proofOf(request, options.prover) } : {};
      const outcome = await login({ identifier, password: String(body['password']), origin, context, ...proof });
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
