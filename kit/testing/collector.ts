/** A collector for tests: OTLP over HTTP as JSON, and everything that came, word for word. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CollectedSpan {
  /** `service.name` of whoever sent it. */
  readonly service: string;
  readonly name: string;
  /** OTLP: 1 internal, 2 server, 3 client, 4 producer. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { key: string; value: { stringValue?: string; intValue?: number } }[];
  readonly links?: readonly { traceId: string; spanId: string }[];
  readonly status: { code?: number };
}

export interface Collector {
  /** For `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`. */
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  /** Bodies of the requests. */
  readonly texts: readonly string[];
  close(): void;
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: Pick<CollectedSpan, 'attributes'>;
    readonly scopeSpans: readonly { readonly spans: readonly Omit<CollectedSpan, 'service'>[] }[];
  }[];
}

export const startCollector = async (): Promise<Collector> => {
  const spans: CollectedSpan[] = [];
  const texts: string[] = [];
  const take = async (req: IncomingMessage): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    texts.push(text);
    for (const { resource, scopeSpans } of (JSON.parse(text) as Export).resourceSpans) {
      const service = attributeOf(resource, 'service.name')?.stringValue ?? '';
      spans.push(...scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ ...span, service }))));
    }
  };
  const server = createServer((req, res) => {
    take(req).then(
      () => res.setHeader('content-type', 'application/json').end('{}'),
      () => res.writeHead(400).end(),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans,
    texts,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

export const attributeOf = (
  { attributes }: Pick<CollectedSpan, 'attributes'>,
  name: string,
): CollectedSpan['attributes'][number]['value'] | undefined => attributes.find(({ key }) => key === name)?.value;
