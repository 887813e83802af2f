import type { Spans } from '@sallyport/kit/spans';
import type { EventSink } from './sink.ts';

/**
 * The same sink, whose batches are spans. Each is a trace of its own: its events come from many requests, which are answered and
 * over. No type, subject or receiver's address in it.
 */
export const traceSink = (sink: EventSink, { alone }: Pick<Spans, 'alone'>): EventSink => ({
  name: sink.name,
  deliver: (events, signal) =>
    alone(
      `send ${sink.name}`,
      { 'messaging.operation.name': 'send', 'messaging.batch.message_count': events.length },
      () => sink.deliver(events, signal),
      (answers) => answers.some(({ outcome }) => outcome !== 'delivered'),
    ),
  close: () => sink.close(),
});
