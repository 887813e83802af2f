import { startKafka } from '@sallyport/auth/outbox/testing';
import { readTopic } from '../../testing/read-topic.ts';
import type { EventTarget } from './event-target.ts';

const topic = 'user-events';

/** A broker that is killed with -9 and started again on the same data. */
export const kafkaTarget = async (): Promise<EventTarget> => {
  const kafka = await startKafka();
  const reader = readTopic(kafka.brokers, topic);
  return {
    settings: { KAFKA_BROKERS: kafka.brokers, KAFKA_TOPIC: topic, KAFKA_CREATE_TOPIC: 'on' },
    arrived: async () =>
      reader.records.map(({ headers: { ce_id = '', ce_type = '', ce_subject = '' } }) => ({
        id: ce_id,
        type: ce_type,
        subject: ce_subject,
      })),
    leave: kafka.kill,
    comeBack: kafka.restart,
    // A broker that takes its time takes all of it.
    delay: async (ms) => (ms > 0 ? kafka.freeze() : kafka.thaw()),
    close: async () => {
      await reader.stop();
      await kafka.stop();
    },
  };
};
