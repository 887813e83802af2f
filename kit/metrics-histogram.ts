import type { Metric, MetricValueWithName, Registry } from 'prom-client';

type Labels<Label extends string> = Readonly<Record<Label, string | number>>;

export interface HistogramSeries {
  observe(value: number): void;
}

export interface Histogram<Label extends string> {
  /** The series of these labels: whoever counts thousands of times a second keeps it. */
  labels(labels: Labels<Label>): HistogramSeries;
}

export interface HistogramParts {
  readonly name: string;
  readonly help: string;
  /** Rising. */
  readonly buckets: readonly number[];
  readonly registry: Registry;
}

interface Series {
  readonly labels: Readonly<Record<string, string | number>>;
  /** For each bucket and, last, beyond all of them; not yet added up. */
  readonly counts: Float64Array;
  sum: number;
}

/**
 * A histogram in prom-client's registry whose series are two numbers to raise: the library looks for the series by a text of all labels at
 * each observation, which costs a gateway a hundredth of its work. A value that is not finite is not counted.
 */
export const createHistogram = <Label extends string>({
  name,
  help,
  buckets,
  registry,
}: HistogramParts): Histogram<Label> => {
  const all = new Map<string, Series>();

  const valuesOf = ({ labels, counts, sum }: Series): MetricValueWithName<string>[] => {
    let count = 0;
    const values: MetricValueWithName<string>[] = [...buckets, '+Inf'].map((le, at) => {
      count += counts[at] ?? 0;
      return { labels: { le, ...labels }, value: count, metricName: `${name}_bucket` };
    });
    values.push({ labels: { ...labels }, value: sum, metricName: `${name}_sum` });
    values.push({ labels: { ...labels }, value: count, metricName: `${name}_count` });
    return values;
  };
  const metric = { name, help, type: 'histogram', aggregator: 'sum' } as const;
  const get = async () => ({ ...metric, values: [...all.values()].flatMap(valuesOf) });
  // What a registry asks of a metric.
  registry.registerMetric({ ...metric, get } as unknown as Metric);

  return {
    labels: (labels) => {
      const key = JSON.stringify(labels);
      const series: Series = all.get(key) ?? { labels, counts: new Float64Array(buckets.length + 1), sum: 0 };
      all.set(key, series);
      const { counts } = series;
      return {
        observe: (value) => {
          if (!Number.isFinite(value)) return;
          let at = 0;
          while (at < buckets.length && value > (buckets[at] ?? 0)) at += 1;
          counts[at] = (counts[at] ?? 0) + 1;
          series.sum += value;
        },
      };
    },
  };
};
