import { describe, expect, it } from 'vitest';
import { createEventReader, type StreamEvent } from './event-stream.ts';

const readAll = (chunks: readonly string[]): StreamEvent[] => {
  const events: StreamEvent[] = [];
  const read = createEventReader((event) => events.push(event));
  for (const chunk of chunks) read(chunk);
  return events;
};

describe('reading an event stream', () => {
  const stream =
    'event: entries\nid: s.1\ndata: [1]\n\n: comment\n\nevent: synced\ndata: {\ndata: }\n\n\n\ndata: rest\n\n';

  it('gives the same events whatever way the stream is cut', () => {
    const whole = readAll([stream]);
    expect(whole).toEqual([
      { name: 'entries', id: 's.1', data: '[1]' },
      { name: 'synced', id: undefined, data: '{\n}' },
      { name: 'message', id: undefined, data: 'rest' },
    ]);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      expect(readAll([stream.slice(0, cut), '', stream.slice(cut)])).toEqual(whole);
    }
    expect(readAll(stream.split(''))).toEqual(whole);
  });

  it('looks at each character once: an event that trickles in costs its length and no more', () => {
    const read = createEventReader(() => undefined);
    read(`data: ${'a'.repeat(7 * 1024 * 1024)}`);
    const before = process.cpuUsage();
    for (let part = 0; part < 20_000; part += 1) read('b');
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(1000);
  });

  it('gives up on an event without end', () => {
    const read = createEventReader(() => undefined);
    const feed = (): void => {
      for (let part = 0; part < 200; part += 1) read('c'.repeat(65_536));
    };
    expect(feed).toThrow(RangeError);
  });
});
