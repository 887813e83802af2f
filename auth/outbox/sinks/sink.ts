/**
 * The contract of an event sink: where events leave the issuer. One file each; which one serves is a setting.
 * Owns nothing but the way to one receiver. Never reads a store, never decides what is tried again: the relay does both.
 */

/** CloudEvents 1.0: every attribute as text, ready for any binding. */
export interface CloudEvent {
  readonly specversion: '1.0';
  /** The effect's id (UUIDv7): the same at every delivery, so that receivers can drop what they have seen. */
  readonly id: string;
  /** `USER_CREATED`, … */
  readonly type: string;
  /** `/auth` unless a setting says otherwise. */
  readonly source: string;
  /** The user id: order holds within one subject. Sinks that have keys use it as the key. */
  readonly subject: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  /** Where the schema of this type and version is published. */
  readonly dataschema: string;
  /** Extension attributes; names of lower-case letters and digits. */
  readonly extensions: Readonly<Record<string, string>>;
  /** JSON text without secrets. */
  readonly data: string;
}

export type Delivery =
  | { readonly outcome: 'delivered' }
  /** This event was not taken (too large, 4xx …). Counts as a try; after the last one it is a dead letter. */
  | { readonly outcome: 'rejected'; readonly reason: string }
  /** The receiver could not be asked, or does not take anything at present. Never counts: it is tried again, with back-off, for as long as it takes. */
  | { readonly outcome: 'unavailable'; readonly reason: string };

/** What stands around a delivery. */
export interface SinkParts {
  /** The `traceparent` to send with what is sent now; undefined: nobody records it. */
  readonly traceparent?: (() => string | undefined) | undefined;
}

export interface EventSink {
  /** For logs and metrics: `kafka`, `webhook`, `log`. */
  readonly name: string;
  /**
   * Delivers in the order given, one answer for each event; where an event of a subject was not delivered, no later one of that subject is.
   * Ends by itself within a bounded time, and soon after the signal. Never throws. A reason holds no secret and no personal data.
   */
  deliver(events: readonly CloudEvent[], signal: AbortSignal): Promise<readonly Delivery[]>;
  /** Waits for nothing that has not been given to it. Idempotent. */
  close(): Promise<void>;
}
