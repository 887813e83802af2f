/** Where in the page somebody is, as its address says: a reload, a link and the browser's back button keep it. */

export type Place =
  | { readonly kind: 'rooms' }
  | { readonly kind: 'room'; readonly roomId: string }
  | { readonly kind: 'devices' };

/** Without `.` and `..`: in the address of a call they would name another route. */
const roomIdForm = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/;

export const placeOf = (hash: string): Place => {
  const [, first, second = ''] = hash.split('/');
  if (first === 'devices') return { kind: 'devices' };
  if (first === 'rooms' && roomIdForm.test(second)) return { kind: 'room', roomId: second };
  return { kind: 'rooms' };
};

export const hashOfRoom = (roomId: string): string => `#/rooms/${roomId}`;

/** What somebody pastes: a whole link to a room of this page, or its bare id. */
export const roomIdOf = (pasted: string): string | undefined => {
  const text = pasted.trim();
  if (roomIdForm.test(text)) return text;
  const place = placeOf(text.slice(text.indexOf('#')));
  return text.includes('#') && place.kind === 'room' ? place.roomId : undefined;
};
