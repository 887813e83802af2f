import { StoreUnavailable } from '../contracts/store.ts';

/** What a script of ours returned is what it returns; anything else means that this is not the store we know. */
export const listReply = (reply: unknown): readonly unknown[] => {
  if (!Array.isArray(reply)) throw new StoreUnavailable(new Error('an answer that is no list'), true);
  return reply;
};

export const numberReply = (reply: unknown): number => {
  if (typeof reply !== 'number') throw new StoreUnavailable(new Error('an answer that is no number'), true);
  return reply;
};
