import { Problem } from '@sallyport/contract';
import type { ProfileApp } from './app.ts';
import type { Applied, ReceivedEvent } from './apply-event.ts';
import { isSigned } from './webhook-signature.ts';

export interface WebhookRoutesOptions {
  readonly keys: readonly Buffer[];
  readonly nowMs: () => number;
  readonly onEvent: (event: ReceivedEvent) => Applied;
}

/** Where the issuer posts events when there is no Kafka: a CloudEvent each (JSON format), signed. */
export const webhookRoutes = (app: ProfileApp, { keys, nowMs, onEvent }: WebhookRoutesOptions): void => {
  app.register((scope, _, done) => {
    // The signature is of the bytes that came, so nothing may parse them before it is checked.
    scope.removeAllContentTypeParsers();
    const kinds = ['application/cloudevents+json', 'application/json'];
    scope.addContentTypeParser(kinds, { parseAs: 'string' }, (_request, body, parsed) => parsed(null, body));
    scope.post('/events', (request, reply) => {
      const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request.headers;
      const body = String(request.body);
      if (!isSigned({ id, timestamp, signature, body }, keys, nowMs())) throw new Problem('token_invalid');
      // What no profile can be made of is answered as taken: it would be the same the next time.
      onEvent(eventOf(body));
      return reply.code(204).send();
    });
    done();
  });
};

/** CloudEvents JSON format: `data` is a member. */
const eventOf = (body: string): ReceivedEvent => {
  try {
    const { type, data } = JSON.parse(body) as Readonly<Record<string, unknown>>;
    return { type: String(type), data: JSON.stringify(data) ?? '' };
  } catch {
    return { type: '', data: '' };
  }
};
