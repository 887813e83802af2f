import type { Profiles } from './profiles.ts';

/** What of an event counts here, whichever way it came. */
export interface ReceivedEvent {
  readonly type: string;
  /** JSON. */
  readonly data: string;
}

/** `known`: it has been here before, and changed nothing. `ignored`: nothing that profiles are about. `unreadable`: no event of the issuer. */
export type Applied = 'applied' | 'known' | 'ignored' | 'unreadable';

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const membersOf = (data: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
};

/**
 * Events come at least once: after every crash, and whenever somebody replays them. So each is applied in one statement that does nothing
 * the second time, and no list of seen ids is needed. A profile that was erased stays erased, however late its USER_CREATED comes again.
 */
export const applyEvent = (profiles: Profiles, { type, data }: ReceivedEvent): Applied => {
  if (type !== 'USER_CREATED' && type !== 'USER_DELETED') return 'ignored';
  const { user_id, email, name, created_at } = membersOf(data);
  const userId = textOf(user_id);
  if (userId === undefined) return 'unreadable';
  if (type === 'USER_DELETED') return profiles.erase(userId) ? 'applied' : 'known';
  const createdAt = textOf(created_at);
  if (createdAt === undefined) return 'unreadable';
  const isNew = profiles.provision({ userId, email: textOf(email), name: textOf(name), createdAt });
  return isNew ? 'applied' : 'known';
};
