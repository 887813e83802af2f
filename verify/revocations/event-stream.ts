/** One server-sent event. */
export interface StreamEvent {
  readonly name: string;
  readonly data: string;
  /** Undefined: the event has none. */
  readonly id: string | undefined;
}

/** An event that is longer is not one of ours. */
const maxEventChars = 8 * 1024 * 1024;

/**
 * Cuts a text/event-stream (HTML, "Server-sent events", 9.2.6) into events, whatever way it is chunked. Bounded: throws RangeError
 * for an event without end.
 */
export const createEventReader = (onEvent: (event: StreamEvent) => void): ((text: string) => void) => {
  let rest = '';
  return (text) => {
    rest += text;
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const block = rest.slice(0, end);
      rest = rest.slice(end + 2);
      const event = parseEvent(block);
      if (event !== undefined) onEvent(event);
    }
    if (rest.length > maxEventChars) throw new RangeError('the feed sent an event without end');
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
