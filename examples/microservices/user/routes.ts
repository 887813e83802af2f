import { Problem } from '@sallyport/contract';
import { traceHeaders } from '@sallyport/verify';
import { Type } from 'typebox';
import type { ServiceApp } from '../service/app.ts';
import { callerOf } from '../service/caller.ts';
import type { createDeleteAccount } from './delete-account.ts';
import type { Profiles } from './profiles.ts';

export interface UserRoutesParts {
  readonly profiles: Profiles;
  readonly deleteAccount: ReturnType<typeof createDeleteAccount>;
}

const profileChange = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    bio: Type.Optional(Type.String({ maxLength: 1000 })),
  },
  { additionalProperties: false },
);

/** `request.identity` is what the gateway has signed; the user's id is taken from there and from nowhere else. */
export const userRoutes = (app: ServiceApp, { profiles, deleteAccount }: UserRoutesParts): void => {
  app.get('/users/profile', (request) => {
    const { userId, email, name } = callerOf(request);
    const profile = profiles.findOrCreate(userId, name ?? '');
    if (profile === undefined) throw new Problem('user_unknown');
    return { user: { id: userId, email, ...profile } };
  });

  app.put('/users/profile', { schema: { body: profileChange } }, (request) => {
    const { userId, name } = callerOf(request);
    const updated = profiles.update(userId, request.body, name ?? '');
    if (updated === undefined) throw new Problem('user_unknown');
    return { message: 'Profile updated successfully', user_id: userId, updated };
  });

  app.delete('/users/account', async (request) => {
    const { userId } = callerOf(request);
    await deleteAccount(userId, request.headers.authorization, traceHeaders(request));
    return { message: 'Account deleted successfully', user_id: userId };
  });
};
