/** A new sink is one word here and one line in index.ts. */
export const eventSinkNames = ['log', 'webhook', 'kafka'] as const;
export type EventSinkName = (typeof eventSinkNames)[number];

/** Where EVENT_SINK says nothing: the first whose receiver is named. */
export const eventSinkName = ({
  eventSink,
  kafkaBrokers,
  webhookUrl,
}: {
  readonly eventSink: EventSinkName | undefined;
  readonly kafkaBrokers: readonly string[] | undefined;
  readonly webhookUrl: string | undefined;
}): EventSinkName => eventSink ?? (kafkaBrokers !== undefined ? 'kafka' : webhookUrl !== undefined ? 'webhook' : 'log');
