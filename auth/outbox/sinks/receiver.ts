import type { EventSinkName } from './name.ts';

/** Who takes the events, for the log: hosts alone, since a path or a query may hold what opens a door. */
export interface Receiver {
  readonly receiver?: string;
  /** What to look at when it takes nothing. */
  readonly hint?: string;
}

export const receiverOf = (
  sink: EventSinkName,
  {
    webhookUrl,
    kafkaBrokers,
  }: { readonly webhookUrl?: string | undefined; readonly kafkaBrokers?: readonly string[] | undefined },
): Receiver => {
  switch (sink) {
    case 'log':
      return {};
    case 'webhook':
      return {
        receiver: URL.parse(webhookUrl ?? '')?.host ?? 'unknown',
        hint: 'is it running, can this machine reach it, and is WEBHOOK_URL right? For a private address: WEBHOOK_ALLOW_PRIVATE_ADDRESSES',
      };
    case 'kafka':
      return {
        receiver: (kafkaBrokers ?? []).join(', '),
        hint: 'do the brokers run, can this machine reach them, and is KAFKA_BROKERS right?',
      };
  }
};
