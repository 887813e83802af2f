/**
 * Metrics of one server, in a registry of its own (prom-client), never in the library's global one: two servers in one
 * process must not add up. Process metrics (`process_…`, `nodejs_…`, event-loop delay included) are always there.
 * Never: labels with a value that a client chooses; every series stays in memory.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface MetricOptions<Label extends string> {
  /** Without the prefix; units last (`…_seconds`, `…_bytes`), counters end in `_total`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly Label[];
}

export interface HistogramOptions<Label extends string> extends MetricOptions<Label> {
  /** Upper bounds, rising. Default: `durationBuckets`. */
  readonly buckets?: readonly number[];
}

export interface Metrics {
  counter<const Label extends string = never>(options: MetricOptions<Label>): Counter<Label>;
  gauge<const Label extends string = never>(
    options: MetricOptions<Label> & { readonly collect?: () => number },
  ): Gauge<Label>;
  histogram<const Label extends string = never>(options: HistogramOptions<Label>): Histogram<Label>;
  /** The Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Seconds, from half a millisecond to ten seconds. */
export const durationBuckets: readonly number[] = Object.freeze([
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]);

const prefixForm = /^[a-z][a-z0-9_]*_$/;
/** How often the event loop's delay is sampled. */
const loopDelayPrecisionMs = 10;

/** `prefix` stands before every name and ends in `_`, for example `sallyport_auth_`. A name used twice throws. */
export const createMetrics = (prefix: string): Metrics => {
  if (!prefixForm.test(prefix))
    throw new TypeError('createMetrics: the prefix is lower-case letters, digits and _, with _ at its end');
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: loopDelayPrecisionMs });
  const common = <Label extends string>({ name, help, labels = [] }: MetricOptions<Label>) => ({
    name: `${prefix}${name}`,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return Object.freeze<Metrics>({
    counter: (options) => new Counter(common(options)),
    gauge: ({ collect, ...options }) => createGauge(common(options), collect),
    histogram: (options) => new Histogram({ ...common(options), buckets: [...(options.buckets ?? durationBuckets)] }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  });
};

/** With `collect`, the value is asked for whenever the metrics are read. */
const createGauge = <Label extends string>(
  options: { name: string; help: string; labelNames: Label[]; registers: Registry[] },
  collect: (() => number) | undefined,
): Gauge<Label> => {
  if (collect === undefined) return new Gauge(options);
  return new Gauge({
    ...options,
    collect() {
      this.set(collect());
    },
  });
};
