import { Problem } from '@sallyport/contract';
import { requireUser } from '@sallyport/verify';
import type { ProfileApp } from './app.ts';
import type { Profiles } from './profiles.ts';

/** People look a second after they have registered; events need a moment. */
const notYet =
  'The profile is not here yet. It is made from an event that follows the registration within seconds: ask again.';

/** `request.identity` is what the gateway has signed. */
export const profileRoutes = (app: ProfileApp, profiles: Profiles): void => {
  app.get('/profile', (request) => {
    const profile = profiles.find(requireUser(request.identity).userId);
    if (profile === undefined) throw new Problem('not_found', { retryAfterSeconds: 1, extensions: { detail: notYet } });
    const { userId, email, name, createdAt } = profile;
    return {
      profile: {
        user_id: userId,
        ...(email !== undefined && { email }),
        ...(name !== undefined && { name }),
        created_at: createdAt,
      },
    };
  });
};
