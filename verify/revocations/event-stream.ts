/** One server-sent event. */
export interface StreamEvent {
  readonly name: string;
  readonly data: string;
  /** Undefined: the event has none. */
  readonly id: string | undefined;
}

/** An event that is longer is not one of ours. */
const maxEventChars = 8 * 1024 * 1024;
/** Parts of an event that are held before they are made one. */
const maxHeldParts = 4096;

/**
 * Cuts a text/event-stream (HTML, "Server-sent events", 9.2.6) into events, whatever way it is chunked. Bounded: throws RangeError
 * for an event without end.
 */
export const createEventReader = (onEvent: (event: StreamEvent) => void): ((text: string) => void) => {
  // What has no end yet is neither joined nor looked through again as more of it comes: else an event that trickles in would cost
  // its length at each part, and whoever sends it would keep this process busy with nothing else.
  let held: string[] = [];
  let heldChars = 0;

  const hold = (text: string): void => {
    held.push(text);
    heldChars += text.length;
    if (heldChars > maxEventChars) throw new RangeError('the feed sent an event without end');
    if (held.length > maxHeldParts) held = [held.join('')];
  };
  return (text) => {
    if (text === '') return;
    const isEnded = text.includes('\n\n') || (text.startsWith('\n') && held.at(-1)?.endsWith('\n') === true);
    if (!isEnded) return hold(text);
    let rest = held.join('') + text;
    held = [];
    heldChars = 0;
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const event = parseEvent(rest.slice(0, end));
      rest = rest.slice(end + 2);
      if (event !== undefined) onEvent(event);
    }
    if (rest !== '') hold(rest);
  };
};

const parseEvent = (block: string): StreamEvent | undefined => {
  let name = 'message';
  let id: string | undefined;
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, field = '', value = ''] = /^([a-z]+): ?(.*)$/s.exec(line) ?? [];
    if (field === 'event') name = value;
    else if (field === 'id') id = value;
    else if (field === 'data') data.push(value);
  }
  return data.length === 0 ? undefined : { name, id, data: data.join('\n') };
};
