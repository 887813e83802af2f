import { isUserId, Problem, type UserId } from '@sallyport/contract';
import { type Caller, type Identity, requireUser } from '@sallyport/verify';

/** The logged-in user of a guarded request. @throws Problem assertion_missing, user_id_invalid */
export const callerOf = ({ identity }: { readonly identity: Caller }): Identity & { readonly userId: UserId } => {
  const { userId, ...caller } = requireUser(identity);
  // The gateway vouches for what the token said; whether that is an id of ours is for us to judge.
  if (!isUserId(userId)) throw new Problem('user_id_invalid');
  return { ...caller, userId };
};
