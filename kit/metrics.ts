/**
 * Metrics of one server, in a registry of its own (prom-client), never in the library's global one: two servers in one
 * process must not add up. Process metrics (`process_…`, `nodejs_…`, event-loop delay included) are always there.
 * Never: labels with a value that a client chooses; every series stays in memory.
 */
import {
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';
import { createHistogram, type Histogram } from './metrics-histogram.ts';

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

export interface GaugeOptions {
  /** Asked for the value whenever the metrics are read. */
  readonly collect?: () => number;
  /** What the gauges of several threads make together. Default: their sum. */
  readonly together?: 'sum' | 'min' | 'max';
}

/** What the metrics were at one moment; it can be sent to another thread. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

export interface Metrics {
  counter<const Label extends string = never>(options: MetricOptions<Label>): Counter<Label>;
  gauge<const Label extends string = never>(options: MetricOptions<Label> & GaugeOptions): Gauge<Label>;
  histogram<const Label extends string = never>(options: HistogramOptions<Label>): Histogram<Label>;
  /** The Prometheus text format. */
  text(): Promise<string>;
  snapshot(): Promise<MetricsSnapshot>;
  readonly contentType: string;
}

/** Several threads' metrics as one registry: counters and histograms add up, gauges as each says. */
export const mergeSnapshots = (snapshots: readonly MetricsSnapshot[]): Pick<Metrics, 'text' | 'snapshot'> => {
  const registry = AggregatorRegistry.aggregate(snapshots.map((snapshot) => [...snapshot]));
  return { text: () => registry.metrics(), snapshot: () => registry.getMetricsAsJSON() };
};

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
    gauge: ({ collect, together = 'sum', ...options }) =>
      createGauge({ ...common(options), aggregator: together }, collect),
    histogram: (options) => {
      const { name, help } = common(options);
      return createHistogram({ name, help, buckets: options.buckets ?? durationBuckets, registry });
    },
    text: () => registry.metrics(),
    snapshot: () => registry.getMetricsAsJSON(),
    contentType: registry.contentType,
  });
};

/** With `collect`, the value is asked for whenever the metrics are read. */
const createGauge = <Label extends string>(
  options: {
    name: string;
    help: string;
    labelNames: Label[];
    registers: Registry[];
    aggregator: 'sum' | 'min' | 'max';
  },
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
