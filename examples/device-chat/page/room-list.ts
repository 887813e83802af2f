import type { ApiClient } from '@sallyport/client';
import { byId, make, sayAlert } from '@sallyport/example-kit/page/element';
import { firstMissing, markInvalid, valuesOf, whileBusy } from '@sallyport/example-kit/page/fields';
import { hashOfRoom, roomIdOf } from './places.ts';
import { problemText } from './texts.ts';

export interface Room {
  readonly room_id: string;
  readonly name: string;
}

export interface RoomList {
  /** Asks for the rooms of whoever is signed in. */
  load(): Promise<void>;
  find(roomId: string): Room | undefined;
  /** Which one is open: its messages count as read. */
  select(roomId: string | undefined): void;
  /** A message has come; a room that is not known yet is asked for. */
  note(roomId: string): void;
  unread(): number;
  clear(): void;
}

export interface RoomListOptions {
  readonly chat: ApiClient;
  readonly onChange: () => void;
}

/** The rooms at the side, and the dialog that makes or joins one. */
export const createRoomList = ({ chat, onChange }: RoomListOptions): RoomList => {
  let rooms: readonly Room[] = [];
  let selected: string | undefined;
  /** Rises when somebody leaves: an answer that was asked for by them is shown to nobody else. */
  let turn = 0;
  const unread = new Map<string, number>();
  const dialog = byId<HTMLDialogElement>('room-dialog');

  const render = (): void => {
    byId('no-rooms').hidden = rooms.length > 0;
    const list = byId('room-list');
    const { activeElement } = document;
    const focused =
      activeElement instanceof HTMLAnchorElement && list.contains(activeElement) ? activeElement.href : '';
    list.replaceChildren(
      ...rooms.map((room) => make('li', {}, linkTo(room, room.room_id === selected, unread.get(room.room_id) ?? 0))),
    );
    // A message that comes in takes nobody's place away.
    [...list.querySelectorAll('a')].find(({ href }) => href === focused)?.focus();
    onChange();
  };

  const load = async (): Promise<void> => {
    const mine = turn;
    const answer = await chat.get('/rooms');
    if (mine !== turn) return;
    rooms = answer['rooms'] as readonly Room[];
    render();
  };

  const enter = async (roomId: string): Promise<void> => {
    await load();
    dialog.close();
    location.hash = hashOfRoom(roomId);
  };

  const create = async (): Promise<void> => {
    const { name = '' } = valuesOf(byId<HTMLFormElement>('create-form'));
    const { room_id } = await chat.post('/rooms/create', { name: name.trim() });
    await enter(String(room_id));
  };

  const join = async (): Promise<void> => {
    const { room = '' } = valuesOf(byId<HTMLFormElement>('join-form'));
    const roomId = roomIdOf(room);
    const field = byId<HTMLInputElement>('join-room');
    if (roomId === undefined) {
      markInvalid(field, 'This is neither a link to a room nor its id.');
      return field.focus();
    }
    await chat.post('/rooms/join', { room_id: roomId });
    return enter(roomId);
  };

  for (const [which, act] of [['create', create] as const, ['join', join] as const]) {
    const form = byId<HTMLFormElement>(`${which}-form`);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      byId(`${which}-error`).textContent = '';
      const missing = firstMissing(form);
      if (missing !== undefined) return missing.focus();
      return void whileBusy(form, () =>
        act().catch((error: unknown) => {
          byId(`${which}-error`).textContent = problemText(error);
        }),
      );
    });
  }
  byId('open-new-room').addEventListener('click', () => {
    for (const which of ['create', 'join']) {
      byId<HTMLFormElement>(`${which}-form`).reset();
      byId(`${which}-error`).textContent = '';
    }
    dialog.showModal();
  });
  byId('close-room-dialog').addEventListener('click', () => dialog.close());

  return {
    load,
    find: (roomId) => rooms.find(({ room_id }) => room_id === roomId),
    select: (roomId) => {
      selected = roomId;
      if (roomId !== undefined) unread.delete(roomId);
      render();
    },
    note: (roomId) => {
      if (roomId !== selected || document.visibilityState === 'hidden')
        unread.set(roomId, (unread.get(roomId) ?? 0) + 1);
      if (rooms.some(({ room_id }) => room_id === roomId)) return render();
      return void load().catch((error: unknown) => sayAlert(problemText(error)));
    },
    unread: () => [...unread.values()].reduce((sum, count) => sum + count, 0),
    clear: () => {
      turn += 1;
      rooms = [];
      selected = undefined;
      unread.clear();
      dialog.close();
      render();
    },
  };
};

const linkTo = ({ room_id, name }: Room, isOpen: boolean, unread: number): HTMLElement => {
  const link = make('a', { class: 'room-link' }, make('span', { class: 'room-link-name', text: name }));
  link.href = hashOfRoom(room_id);
  if (isOpen) link.setAttribute('aria-current', 'page');
  if (unread > 0) {
    link.append(
      make('span', { class: 'unread', text: unread > 99 ? '99+' : String(unread), hidden: 'from-readers' }),
      make('span', { class: 'for-readers', text: unread === 1 ? ', 1 new message' : `, ${unread} new messages` }),
    );
  }
  return link;
};
