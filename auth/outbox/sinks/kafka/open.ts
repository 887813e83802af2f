import type { AuthSettings } from '../../../config.ts';
import { createKafkaSink } from '../kafka.ts';
import type { EventSink } from '../sink.ts';
import { kafkaTarget } from './target.ts';

/** @throws Error where a file cannot be read, or no Kafka is named; `kafkaProblems` refuses that before */
export const openKafkaSink = (
  settings: Pick<AuthSettings, Extract<keyof AuthSettings, `kafka${string}`>>,
): EventSink => {
  const target = kafkaTarget(settings);
  if (target === undefined) throw new Error('KAFKA_BROKERS is required');
  return createKafkaSink({ target, topic: settings.kafkaTopic, createTopic: settings.kafkaCreateTopic });
};
