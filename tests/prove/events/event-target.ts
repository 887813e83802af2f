import { setTimeout as sleep } from 'node:timers/promises';
import { type ReceivedEvent, startReceiver } from '../../testing/event-receiver.ts';

/** Where the events of a proof arrive: a webhook receiver, or a broker. */
export interface EventTarget {
  /** What issuers and relays have to be told. */
  readonly settings: Readonly<Record<string, string>>;
  /** Everything that arrived so far, repetitions included; of one subject in the order of its coming. */
  arrived(): Promise<readonly Pick<ReceivedEvent, 'id' | 'type' | 'subject'>[]>;
  /** The receiver is gone, without a word. */
  leave(): Promise<void>;
  comeBack(): Promise<void>;
  /** Takes its time for every event; 0: none. */
  delay(ms: number): Promise<void>;
  close(): Promise<void>;
}

export const webhookTarget = async (): Promise<EventTarget> => {
  const receiver = await startReceiver();
  return {
    settings: receiver.settings,
    arrived: async () => receiver.taken,
    leave: receiver.stop,
    comeBack: receiver.start,
    delay: async (ms) => {
      receiver.answer = async () => {
        await sleep(ms);
        return 204;
      };
    },
    close: receiver.stop,
  };
};
