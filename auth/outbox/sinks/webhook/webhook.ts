import { envelopeText } from '../../envelope.ts';
import type { CloudEvent, Delivery, EventSink, SinkParts } from '../sink.ts';
import type { Sender, Sent } from './send.ts';
import { webhookSignature } from './signature.ts';

export interface WebhookSinkOptions extends SinkParts {
  readonly sender: Sender;
  /** The current key, and those that are still signed with while it is changed. */
  readonly keys: readonly Buffer[];
  readonly nowMs: () => number;
}

/** Users whose events are posted at once. */
export const postsAtOnce = 8;
/** After so many answers of trouble, and none that took anything, the rest of the batch is not tried. */
const maxInVain = 16;

/** Answers that judge the event, whatever the receiver's health. */
const aboutTheEvent: ReadonlySet<number> = new Set([400, 409, 413, 415, 422]);

/**
 * Standard Webhooks with the event in CloudEvents' structured form: all of it is in the body, so all of it is signed.
 *
 * A 500, or no answer in time, may mean that the receiver is ill, or that this event makes it fall over. Beside an event that was taken it is about the event,
 * which then counts its tries; where nothing is taken it is about the receiver, and nothing is given up.
 */
export const createWebhookSink = ({ sender, keys, nowMs, traceparent }: WebhookSinkOptions): EventSink => ({
  name: 'webhook',
  deliver: async (events, signal) => {
    const sent = new Map<CloudEvent, Sent>();
    let taken = 0;
    let inVain = 0;
    const trace = traceparent?.();
    const isUseless = (): boolean => signal.aborted || (taken === 0 && inVain >= maxInVain);
    const post = async (event: CloudEvent): Promise<boolean> => {
      const body = envelopeText(event);
      const timestampSeconds = Math.floor(nowMs() / 1000);
      const headers = {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'user-agent': 'sallyport',
        ...(trace !== undefined && { traceparent: trace }),
        'webhook-id': event.id,
        'webhook-timestamp': String(timestampSeconds),
        'webhook-signature': webhookSignature({ id: event.id, timestampSeconds, body }, keys),
      };
      const outcome = await sender.post(headers, body, signal);
      sent.set(event, outcome);
      if (isTaken(outcome)) taken += 1;
      // Nobody there: the next one would not find anybody either.
      else inVain += outcome.kind === 'failed' ? maxInVain : 1;
      return isTaken(outcome);
    };
    const lanes = [...Map.groupBy(events, ({ subject }) => subject).values()];
    const worker = async (): Promise<void> => {
      for (let lane = lanes.shift(); lane !== undefined; lane = lanes.shift())
        for (const event of lane) if (isUseless() || !(await post(event))) break;
    };
    await Promise.all(Array.from({ length: postsAtOnce }, worker));
    return events.map((event) => deliveryOf(sent.get(event), taken > 0));
  },
  close: async () => sender.close(),
});

const isTaken = (sent: Sent): boolean => sent.kind === 'answered' && sent.status >= 200 && sent.status < 300;

const deliveryOf = (sent: Sent | undefined, othersWereTaken: boolean): Delivery => {
  if (sent === undefined) return { outcome: 'unavailable', reason: 'not_tried' };
  if (isTaken(sent)) return { outcome: 'delivered' };
  if (sent.kind === 'failed') {
    const isAboutIt = sent.reason === 'timeout' && othersWereTaken;
    return { outcome: isAboutIt ? 'rejected' : 'unavailable', reason: sent.reason };
  }
  const reason = `status_${sent.status}`;
  // RFC 9110 §15.5.16, RFC 6585 §4: asked to come later.
  const isLater = sent.status === 429 || sent.status === 503;
  const isAboutIt = aboutTheEvent.has(sent.status) || (othersWereTaken && !isLater);
  return { outcome: isAboutIt ? 'rejected' : 'unavailable', reason };
};
