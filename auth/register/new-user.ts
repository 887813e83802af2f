/** A registration's members as an account's. */
import type { RouteShape } from '@sallyport/contract/routes';
import { emailKey, usernameKey } from '@sallyport/kit/identifier';
import type { NewUser } from '@sallyport/storage/contracts/accounts';

/** Undefined: nothing that could log in. */
export const identifierOf = (given: string, { identifier }: RouteShape): Partial<NewUser> | undefined => {
  if (identifier === 'email') {
    const key = emailKey(given);
    return key === undefined ? undefined : { email: given, emailKey: key };
  }
  const key = usernameKey(given);
  return key === undefined ? undefined : { username: given, usernameKey: key };
};

const memberNames = {
  name: 'name',
  first_name: 'firstName',
  last_name: 'lastName',
  display_name: 'displayName',
  phone_number: 'phoneNumber',
} as const;

export const profileOf = (body: Readonly<Record<string, unknown>>): Partial<NewUser> =>
  Object.fromEntries(
    Object.entries(memberNames)
      .filter(([member]) => typeof body[member] === 'string' && body[member].trim() !== '')
      .map(([member, field]) => [field, body[member]]),
  );

/** What a password must not be made of. */
export const knownAbout = (
  body: Readonly<Record<string, unknown>>,
  { identifier }: RouteShape,
): readonly (string | undefined)[] =>
  [identifier, ...Object.keys(memberNames)].map((member) => {
    const value = body[member];
    return typeof value === 'string' ? value : undefined;
  });
