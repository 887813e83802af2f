import { localStorageStore } from '@sallyport/client';
import { expect, it } from 'vitest';

it('lets other tabs hear of a login when all of it is there: the access token is written last', () => {
  const kept = new Map<string, string>();
  const seen: unknown[] = [];
  const store = localStorageStore({
    getItem: (key) => kept.get(key) ?? null,
    removeItem: (key) => void kept.delete(key),
    setItem: (key, value) => {
      kept.set(key, value);
      // The storage event of this key is what another tab acts on.
      if (key === 'access_token') seen.push(store.readTokens());
    },
  });
  const tokens = { accessToken: 'a', refreshToken: 'r', csrfToken: 'c', expiresAtSeconds: 1_800_000_000 };
  store.writeTokens(tokens);
  expect(seen).toEqual([tokens]);
});
