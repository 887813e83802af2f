/** What a server's /metrics has, and what a PromQL expression asks for; as much of both languages as deploy/ uses. */

export type Series = Readonly<Record<string, string>>;

/** Name of the metric -> its series, each by its labels. */
export const readExposed = async (privateUrl: string, job: string): Promise<ReadonlyMap<string, readonly Series[]>> => {
  const text = await (await fetch(`${privateUrl}/metrics`)).text();
  const exposed = new Map<string, Series[]>();
  for (const [, name = '', labels = ''] of text.matchAll(/^([a-z0-9_]+)(?:\{(.*)\})? \S+$/gm)) {
    // Prometheus itself adds these two.
    const series = { ...Object.fromEntries(pairsOf(labels)), job, instance: privateUrl };
    exposed.set(name, [...(exposed.get(name) ?? []), series]);
  }
  return exposed;
};

const pairsOf = (labels: string): readonly (readonly [string, string])[] =>
  [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value = '']) => [name, value]);

export interface Asked {
  readonly metric: string;
  /** Whether a series is one that the selector takes. */
  readonly takes: (series: Series) => boolean;
  /** Labels of `by (…)` anywhere in the expression. */
  readonly grouped: readonly string[];
}

/** Every selector of the expression. */
export const readAsked = (expression: string): readonly Asked[] => {
  const grouped = [...expression.matchAll(/\bby \(([a-z_, ]+)\)/g)].flatMap(([, names = '']) => names.split(', '));
  const selectors = expression.matchAll(/\b((?:sallyport|nodejs|process)_[a-z0-9_]+|up)\b(?:\{([^}]*)\})?/g);
  return [...selectors].map(([, metric = '', matchers = '']) => ({ metric, takes: takerOf(matchers), grouped }));
};

const takerOf = (matchers: string): Asked['takes'] => {
  const wanted = [...matchers.matchAll(/([a-z_]+)(=~|!~|!=|=)"([^"]*)"/g)];
  if (matchers !== '' && wanted.length === 0) throw new Error(`a selector that is not understood: ${matchers}`);
  return (series) =>
    wanted.every(([, label = '', operator = '', value = '']) => {
      const found = series[label];
      // Missing is empty for Prometheus, and would be taken by `!=`: here it is a label that there is not.
      if (found === undefined) return false;
      const isEqual = operator.includes('~') ? new RegExp(`^(?:${value})$`).test(found) : found === value;
      return operator.startsWith('!') ? !isEqual : isEqual;
    });
};
