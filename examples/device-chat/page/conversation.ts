import { type ApiClient, ApiError, SignedOutError } from '@sallyport/client';
import { byId, sayAlert, sayStatus } from '@sallyport/example-kit/page/element';
import { ask } from './ask.ts';
import { createMessageList } from './message-list.ts';
import { problemText } from './texts.ts';
import { caughtUp, fromNewest, type Message, type Timeline, withNew, withOlder } from './timeline.ts';

export interface Conversation {
  /** Shows a room. `stranger`: whoever is signed in is not in it, or there is none. */
  open(
    room: { readonly roomId: string; readonly name: string },
    ownId: string,
  ): Promise<'open' | 'stranger' | 'overtaken'>;
  /** Once the room is in sight: its end, and the field to write in, or on a phone the name, since the field brings up a keyboard. */
  arrive(): void;
  /** A message of the stream. */
  receive(roomId: string, message: Message): void;
  /** After the stream was away: what was written meanwhile. */
  catchUp(): Promise<void>;
  close(): void;
}

export interface ConversationOptions {
  readonly chat: ApiClient;
  readonly now: () => number;
  /** Has left the room. */
  readonly onLeft: () => void;
}

interface Person {
  readonly user_id: string;
  readonly username?: string;
  readonly member: boolean;
}

interface Outgoing {
  /** Of the room. */
  readonly id: string;
  readonly text: string;
}

const pageSize = 50;
/** How far back a catching up goes; who was away for longer begins with the newest page. */
const mostPages = 4;
/** As near to the end counts as being there: what comes then is scrolled to. */
const nearEndPx = 80;
const empty: Timeline = { messages: [], hasOlder: false };

/** One room: its messages, what comes in, and the field to write in. */
export const createConversation = ({ chat, now, onLeft }: ConversationOptions): Conversation => {
  const log = byId('log');
  const field = byId<HTMLTextAreaElement>('message');
  const composer = byId<HTMLFormElement>('composer');
  const list = createMessageList(byId('messages'), now);
  /** Not answered yet, oldest first. */
  const outgoing: Outgoing[] = [];
  let roomId: string | undefined;
  let ownId = '';
  let timeline = empty;
  let people: ReadonlyMap<string, Person> = new Map();
  /** Rises with each room: an answer about another one is not shown. */
  let visit = 0;

  const nameOf = (userId: string): string => people.get(userId)?.username ?? 'Somebody';
  const isAtEnd = (): boolean => log.scrollHeight - log.scrollTop - log.clientHeight < nearEndPx;
  const toEnd = (): void => {
    log.scrollTop = log.scrollHeight;
    byId('newest').hidden = true;
  };

  const render = (): void => {
    const { messages, hasOlder } = timeline;
    byId('older').hidden = !hasOlder;
    byId('first-of-all').hidden = hasOlder || messages.length === 0;
    byId('empty-room').hidden = messages.length > 0;
    list.show(messages, (userId) => ({ name: nameOf(userId), isOwn: userId === ownId }));
  };

  /** What comes does not move what somebody reads: only at the end it is followed. */
  const renderAtEnd = (mustFollow: boolean): void => {
    const follows = mustFollow || isAtEnd();
    render();
    if (follows) toEnd();
    else byId('newest').hidden = false;
  };

  /** Not read out one by one: what was there before. */
  const quietly = (work: () => void): void => {
    log.setAttribute('aria-busy', 'true');
    work();
    requestAnimationFrame(() => log.setAttribute('aria-busy', 'false'));
  };

  const loadPeople = async (id: string, mine: number): Promise<void> => {
    const answer = await chat.get(`/rooms/${id}/people`);
    if (mine !== visit) return;
    const all = answer['people'] as readonly Person[];
    people = new Map(all.map((person) => [person.user_id, person]));
    const members = all.filter(({ member }) => member);
    byId('room-people').textContent =
      members.length === 1 ? 'Nobody here but you' : `${members.map((one) => nameOf(one.user_id)).join(', ')}`;
  };

  const pageBefore = async (id: string, before?: string): Promise<readonly Message[]> => {
    const older = before === undefined ? '' : `&before=${before}`;
    const answer = await chat.get(`/messages/${id}?limit=${pageSize}${older}`);
    return answer['messages'] as readonly Message[];
  };

  const add = (came: readonly Message[]): void => {
    const before = timeline.messages.length;
    timeline = withNew(timeline, came);
    const isUnknown = came.some(({ user_id }) => !people.has(user_id));
    if (timeline.messages.length !== before) renderAtEnd(came.some(({ user_id }) => user_id === ownId));
    if (isUnknown && roomId !== undefined) void loadPeople(roomId, visit).then(render, () => undefined);
  };

  const catchUp = async (): Promise<void> => {
    const id = roomId;
    const mine = visit;
    if (id === undefined) return;
    let page = await pageBefore(id);
    const newest = page;
    let missed: readonly Message[] = page;
    let met = caughtUp(timeline, page, pageSize);
    for (let turn = 1; met === undefined && turn < mostPages; turn += 1) {
      page = await pageBefore(id, page[0]?.id);
      missed = [...page, ...missed];
      met = caughtUp(timeline, page, pageSize);
    }
    await loadPeople(id, mine);
    if (mine !== visit) return;
    const known = timeline.messages.length;
    timeline = met === undefined ? fromNewest(newest, pageSize) : withNew(timeline, missed);
    if (timeline.messages.length !== known || met === undefined) renderAtEnd(false);
  };

  const showOlder = async (): Promise<void> => {
    const first = timeline.messages[0];
    if (roomId === undefined || first === undefined) return;
    const mine = visit;
    const page = await pageBefore(roomId, first.id);
    if (mine !== visit) return;
    const fromEnd = log.scrollHeight - log.scrollTop;
    timeline = withOlder(timeline, page, pageSize);
    quietly(render);
    // Where somebody reads stays where it is.
    log.scrollTop = log.scrollHeight - fromEnd;
    sayStatus(page.length === 1 ? '1 older message.' : `${page.length} older messages.`);
    // The button may be gone, and the focus with it.
    if (byId('older').hidden) log.focus();
  };

  const deliver = async ({ id, text }: Outgoing): Promise<void> => {
    const mine = visit;
    const { message_id } = await chat.post('/messages/send', { room_id: id, message: text });
    if (mine !== visit || id !== roomId) return;
    // The stream tells of it, mostly before the answer comes. Where it is away, what it will bring is asked for.
    if (!timeline.messages.some((message) => message.id === message_id)) await catchUp().catch(() => undefined);
    toEnd();
  };

  /** Into the field again, before what was written there meanwhile. */
  const giveBack = (refusal: unknown): void => {
    const unsent = outgoing.splice(0);
    const here = unsent.filter(({ id }) => id === roomId).map(({ text }) => text);
    const elsewhere = unsent.filter(({ id }) => id !== roomId).map(({ text }) => text);
    field.value = [...here, field.value].filter((text) => text !== '').join('\n');
    fit();
    if (refusal instanceof SignedOutError) return;
    if (here.length > 0) byId('composer-error').textContent = `Not sent. ${problemText(refusal)}`;
    if (elsewhere.length > 0) sayAlert(`Not sent: ${elsewhere.join(' ')} ${problemText(refusal)}`);
  };

  const sendAll = async (): Promise<void> => {
    for (let [next] = outgoing; next !== undefined; [next] = outgoing) {
      try {
        await deliver(next);
      } catch (refusal) {
        return giveBack(refusal);
      }
      outgoing.shift();
    }
  };

  /** The field is free at once: whoever goes on writing while a message is on its way loses nothing, and what is sent next comes after it. */
  const send = (): void => {
    byId('composer-error').textContent = '';
    const text = field.value.trim();
    if (text !== '' && roomId !== undefined) {
      field.value = '';
      fit();
      if (outgoing.push({ id: roomId, text }) === 1) void sendAll();
    }
    field.focus();
  };

  /** As high as what is written, up to a limit in app.css. */
  const fit = (): void => {
    field.style.height = 'auto';
    field.style.height = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
  };

  const leave = async (): Promise<void> => {
    const id = roomId;
    const title = `Leave ${byId('room-name').textContent}?`;
    const text = 'You will read and write nothing here until you join again.';
    if (id === undefined || !(await ask({ title, text, yes: 'Leave' }))) return;
    await chat.post('/rooms/leave', { room_id: id });
    onLeft();
  };

  const invite = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(location.href);
      sayStatus('The link to this room is copied: whoever opens it can join.');
    } catch {
      sayStatus(`Send this link: ${location.href}`);
    }
  };

  composer.addEventListener('submit', (event) => {
    event.preventDefault();
    send();
  });
  field.addEventListener('input', fit);
  field.addEventListener('keydown', (event) => {
    // Enter sends, with shift it breaks the line; not while an input method is composing a word.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    composer.requestSubmit();
  });
  byId('older').addEventListener('click', () => attempt(showOlder));
  byId('newest').addEventListener('click', () => {
    toEnd();
    field.focus();
  });
  log.addEventListener('scroll', () => {
    if (isAtEnd()) byId('newest').hidden = true;
  });
  byId('leave').addEventListener('click', () => attempt(leave));
  byId('invite').addEventListener('click', () => void invite());

  return {
    open: async (room, userId) => {
      visit += 1;
      const mine = visit;
      roomId = room.roomId;
      ownId = userId;
      timeline = empty;
      people = new Map();
      field.value = '';
      byId('composer-error').textContent = '';
      byId('room-name').textContent = room.name;
      byId('message-label').textContent = `Message to ${room.name}`;
      byId('newest').hidden = true;
      try {
        const [page] = await Promise.all([pageBefore(room.roomId), loadPeople(room.roomId, mine)]);
        if (mine !== visit) return 'overtaken';
        timeline = withNew(fromNewest(page, pageSize), timeline.messages);
        return 'open';
      } catch (error) {
        if (mine !== visit) return 'overtaken';
        if (error instanceof ApiError && (error.status === 403 || error.status === 404)) return 'stranger';
        throw error;
      } finally {
        if (mine === visit) quietly(render);
      }
    },
    arrive: () => {
      toEnd();
      fit();
      (matchMedia('(pointer: coarse)').matches ? byId('room-name') : field).focus();
    },
    receive: (id, message) => {
      if (id === roomId) add([message]);
    },
    catchUp,
    close: () => {
      visit += 1;
      roomId = undefined;
      timeline = empty;
      people = new Map();
      field.value = '';
      byId('composer-error').textContent = '';
      byId('room-name').textContent = '';
      byId('room-people').textContent = '';
      render();
    },
  };
};

/** What goes wrong is said; an ended session is the door's matter. */
const attempt = (work: () => Promise<void>): void => {
  work().catch((error: unknown) => {
    if (!(error instanceof SignedOutError)) sayAlert(problemText(error));
  });
};
