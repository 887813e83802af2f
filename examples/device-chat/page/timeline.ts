/** What is known of a room's messages: pages of older ones, those that come in, and what was missed meanwhile, as one row without doubles. */

export interface Message {
  readonly id: string;
  readonly user_id: string;
  readonly message: string;
  readonly created_at: string;
}

export interface Timeline {
  /** Newest last. */
  readonly messages: readonly Message[];
  /** There may be older ones that were not asked for yet. */
  readonly hasOlder: boolean;
}

/** The newest page of a room, as it was answered. A full one may have others before it. */
export const fromNewest = (page: readonly Message[], pageSize: number): Timeline => ({
  messages: page,
  hasOlder: page.length === pageSize,
});

/** With the page before the first message. */
export const withOlder = ({ messages }: Timeline, page: readonly Message[], pageSize: number): Timeline => ({
  messages: joined(page, messages),
  hasOlder: page.length === pageSize,
});

/** With messages that came in; one that is known already changes nothing. */
export const withNew = ({ messages, hasOlder }: Timeline, came: readonly Message[]): Timeline => ({
  messages: joined(messages, came),
  hasOlder,
});

/**
 * With the newest page, after the connection was away. Undefined: it begins after what is known, so there may be messages between that
 * nobody has seen; ask for the page before it.
 */
export const caughtUp = (known: Timeline, page: readonly Message[], pageSize: number): Timeline | undefined => {
  if (known.messages.length === 0) return fromNewest(page, pageSize);
  const ids = new Set(known.messages.map(({ id }) => id));
  const meets = page.length < pageSize || page.some(({ id }) => ids.has(id));
  return meets ? withNew(known, page) : undefined;
};

/** The service's times rise with its order; equal ones stay as they came. */
const joined = (one: readonly Message[], other: readonly Message[]): readonly Message[] => {
  const byId = new Map([...one, ...other].map((message) => [message.id, message]));
  return [...byId.values()].sort((a, b) => a.created_at.localeCompare(b.created_at));
};

const togetherMs = 5 * 60_000;

/** Written by the same person soon after: needs no name of its own. */
export const belongsTogether = (before: Message | undefined, message: Message): boolean =>
  before !== undefined &&
  before.user_id === message.user_id &&
  dayOf(before) === dayOf(message) &&
  Date.parse(message.created_at) - Date.parse(before.created_at) < togetherMs;

/** The calendar day, where the reader is. */
export const dayOf = ({ created_at }: Pick<Message, 'created_at'>): string => new Date(created_at).toDateString();
