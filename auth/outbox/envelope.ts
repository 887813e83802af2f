import { eventSchemaPath } from '@sallyport/contract/events';
import type { OutboxEvent } from '@sallyport/storage/contracts/outbox';
import type { CloudEvent } from './sinks/sink.ts';

export interface EnvelopeOptions {
  /** EVENT_SOURCE: a URI reference. */
  readonly source: string;
  /** EVENT_SCHEMA_URL: below it the schemas are served. Undefined: they have a name and no address. */
  readonly schemaUrl: string | undefined;
}

/** CloudEvents 1.0 §3. The same event makes the same envelope, at every delivery and by every relay. Pure. */
export const cloudEventOf = (event: OutboxEvent, { source, schemaUrl }: EnvelopeOptions): CloudEvent => ({
  specversion: '1.0',
  id: event.effectId,
  type: event.type,
  source,
  subject: event.key,
  time: new Date(event.atMs).toISOString(),
  datacontenttype: 'application/json',
  dataschema:
    schemaUrl === undefined
      ? `urn:sallyport:event:${event.type}:${event.version}`
      : `${schemaUrl.replace(/\/$/, '')}/${eventSchemaPath(event.type, event.version)}`,
  extensions: { realmid: event.realmId },
  data: event.data,
});

/** CloudEvents JSON format §3: what a receiver gets where the envelope travels in the body. `data` is put in as it is. */
export const envelopeText = ({ extensions, data, ...attributes }: CloudEvent): string =>
  `${JSON.stringify({ ...attributes, ...extensions }).slice(0, -1)},"data":${data}}`;
