import { Buffer } from 'node:buffer';
import type { MessageToProduce } from '@platformatic/kafka';
import type { CloudEvent } from '../sink.ts';

/**
 * The Kafka protocol binding for CloudEvents 1.0.2, §3.2, binary mode: attributes are headers in UTF-8 with the prefix `ce_`,
 * `datacontenttype` is `content-type`, the value is the data as it is. The key is the subject (§3.1 leaves that to us), so that all
 * events of a user stand in one partition, in order. The record's own time is that of its sending: retention counts from there.
 */
export const messageOf = (event: CloudEvent, topic: string): MessageToProduce => {
  const { data, datacontenttype, extensions, ...attributes } = event;
  const headers = Object.entries({ ...attributes, ...extensions }).map(([name, text]) => [`ce_${name}`, text] as const);
  return {
    topic,
    key: Buffer.from(event.subject),
    value: Buffer.from(data),
    headers: new Map(
      [...headers, ['content-type', datacontenttype] as const].map(([name, text]) => [
        Buffer.from(name),
        Buffer.from(text),
      ]),
    ),
  };
};

/** What a record has around its parts: lengths, offsets, the batch's own head. Rounded up. */
const frameBytes = 100;

/** Size in a batch, at most. */
export const bytesOf = ({ key, value, headers }: MessageToProduce): number => {
  let bytes = frameBytes + (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, text] of headers instanceof Map ? headers : []) bytes += name.length + text.length + 4;
  return bytes;
};
