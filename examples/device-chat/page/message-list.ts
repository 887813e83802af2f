import { make } from '@sallyport/example-kit/page/element';
import { makeFace } from './faces.ts';
import { belongsTogether, dayOf, type Message } from './timeline.ts';
import { clockText, dayText } from './times.ts';

interface Author {
  readonly name: string;
  readonly isOwn: boolean;
}

export interface MessageList {
  show(messages: readonly Message[], authorOf: (userId: string) => Author): void;
}

/** Messages in sight, by day and author. What stays is the same element: a reader is told of what is new, and not of all of it again. */
export const createMessageList = (list: HTMLElement, now: () => number): MessageList => {
  let drawn: ReadonlyMap<string, HTMLElement> = new Map();
  return {
    show: (messages, authorOf) => {
      const shown = new Map<string, HTMLElement>();
      const add = (key: string, draw: () => HTMLElement): void => void shown.set(key, drawn.get(key) ?? draw());
      messages.forEach((message, index) => {
        const before = messages[index - 1];
        if (before === undefined || dayOf(before) !== dayOf(message)) {
          const day = dayText(message.created_at, now());
          add(`${day} ${dayOf(message)}`, () => make('li', { class: 'day', text: day }));
        }
        const look = { ...authorOf(message.user_id), isMore: belongsTogether(before, message) };
        add(`${message.id} ${look.name} ${look.isOwn} ${look.isMore}`, () => messageItem(message, look));
      });
      drawn = shown;
      arrange(list, [...shown.values()]);
    },
  };
};

/** These in this order, and nothing is moved that is in its place. */
const arrange = (list: HTMLElement, items: readonly HTMLElement[]): void => {
  const kept = new Set<Element>(items);
  for (const child of [...list.children]) if (!kept.has(child)) child.remove();
  items.forEach((item, index) => {
    const there = list.children[index];
    if (there !== item) list.insertBefore(item, there ?? null);
  });
};

interface Look extends Author {
  /** Goes on from the message before: no face, no name. */
  readonly isMore: boolean;
}

const messageItem = ({ message, user_id, created_at }: Message, { name, isOwn, isMore }: Look): HTMLElement => {
  const time = make('time', { class: 'when', text: clockText(created_at) });
  time.dateTime = created_at;
  const author = make('span', { class: isMore || isOwn ? 'author for-readers' : 'author', text: isOwn ? 'You' : name });
  const classes = ['message', ...(isOwn ? ['own'] : []), ...(isMore ? ['more'] : [])].join(' ');
  const words = make('p', { class: 'words', text: message });
  const bubble = make('div', { class: 'bubble' }, author, words, time);
  return isOwn
    ? make('li', { class: classes }, bubble)
    : make('li', { class: classes }, makeFace(user_id, name), bubble);
};
