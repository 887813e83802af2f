/** The sinks for events: the explicit list. A new one is one file, one line here and one word of EVENT_SINK. */
import type { AuthSettings } from '../../config.ts';
import { createLogSink, writeToStdout } from './log.ts';
import { type EventSinkName, eventSinkName } from './name.ts';
import type { EventSink, SinkParts } from './sink.ts';
import { openWebhookSink } from './webhook/open.ts';

export type SinkSettings = Pick<
  AuthSettings,
  | ('eventSink' | 'eventBatchSize')
  | Extract<keyof AuthSettings, `kafka${string}`>
  | ('webhookUrl' | 'webhookSecrets' | 'webhookTimeoutSeconds' | 'webhookAllowPrivateAddresses')
>;

const sinks: Readonly<
  Record<EventSinkName, (settings: SinkSettings, parts: SinkParts) => EventSink | Promise<EventSink>>
> = {
  log: () => createLogSink({ write: writeToStdout }),
  webhook: openWebhookSink,
  // Whoever has no Kafka does not load what speaks to one.
  kafka: async (settings) => (await import('./kafka/open.ts')).openKafkaSink(settings),
};

/** @throws Error with a readable reason where the settings cannot be served */
export const openSink = async (settings: SinkSettings, parts: SinkParts = {}): Promise<EventSink> =>
  sinks[eventSinkName(settings)](settings, parts);
