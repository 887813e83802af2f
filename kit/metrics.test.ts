import { Histogram, Registry, register } from 'prom-client';
import { expect, it } from 'vitest';
import { createMetrics, mergeSnapshots } from './metrics.ts';

it('counts in a registry of its own, under its prefix', async () => {
  const metrics = createMetrics('sallyport_auth_');
  const other = createMetrics('sallyport_auth_');
  const logins = metrics.counter({ name: 'logins_total', help: 'Logins.', labels: ['outcome'] });
  logins.inc({ outcome: 'ok' }, 2);
  expect(await metrics.text()).toContain('sallyport_auth_logins_total{outcome="ok"} 2');
  expect(await other.text()).not.toContain('logins_total');
  expect(await register.metrics()).toBe('\n');
});

it('measures durations and asks gauges when it is read', async () => {
  const metrics = createMetrics('sallyport_auth_');
  let waiting = 3;
  metrics.gauge({ name: 'hash_queue', help: 'Waiting hashes.', collect: () => waiting });
  metrics
    .histogram({ name: 'request_seconds', help: 'Requests.', labels: ['route'] })
    .labels({ route: 'login' })
    .observe(0.003);
  waiting = 7;
  const text = await metrics.text();
  expect(text).toContain('sallyport_auth_hash_queue 7');
  expect(text).toContain('sallyport_auth_request_seconds_bucket{le="0.005",route="login"} 1');
  expect(text).toContain('sallyport_auth_request_seconds_bucket{le="0.0025",route="login"} 0');
});

it('tells of the process and the delay of its event loop', async () => {
  const text = await createMetrics('sallyport_auth_').text();
  expect(text).toContain('process_resident_memory_bytes');
  expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
});

it('refuses a prefix of another form and a name used twice', () => {
  expect(() => createMetrics('auth')).toThrow(TypeError);
  const metrics = createMetrics('sallyport_auth_');
  metrics.counter({ name: 'a_total', help: 'A.' });
  expect(() => metrics.counter({ name: 'a_total', help: 'A.' })).toThrow(/already been registered/);
});

it('makes one of the metrics of several threads', async () => {
  const snapshots = await Promise.all(
    [1, 2].map((thread) => {
      const metrics = createMetrics('sallyport_gateway_');
      metrics.counter({ name: 'requests_total', help: 'Requests.', labels: ['route'] }).inc({ route: '/a' }, thread);
      metrics.histogram({ name: 'seconds', help: 'Durations.' }).labels({}).observe(0.003);
      metrics.gauge({ name: 'age_seconds', help: 'Age.', together: 'max', collect: () => thread });
      metrics.gauge({ name: 'ready', help: 'Ready.', together: 'min', collect: () => thread - 1 });
      return metrics.snapshot();
    }),
  );
  const merged = mergeSnapshots(structuredClone(snapshots));
  for (const text of [await merged.text(), await mergeSnapshots([await merged.snapshot()]).text()]) {
    expect(text).toContain('sallyport_gateway_requests_total{route="/a"} 3');
    expect(text).toContain('sallyport_gateway_seconds_count 2');
    expect(text).toContain('sallyport_gateway_age_seconds 2');
    expect(text).toContain('sallyport_gateway_ready 0');
  }
});

it('writes histograms as prom-client does', async () => {
  const buckets = [0.1, 1, 10];
  const registry = new Registry();
  const theirs = new Histogram({
    name: 't_seconds',
    help: 'T.',
    labelNames: ['a', 'b'],
    buckets,
    registers: [registry],
  });
  const metrics = createMetrics('t_');
  const ours = metrics.histogram({ name: 'seconds', help: 'T.', labels: ['a', 'b'], buckets });
  for (const [labels, value] of [
    [{ a: 'x', b: 'y' }, 0],
    [{ a: 'x', b: 'y' }, 0.1],
    [{ a: 'x', b: 'y' }, 0.100_000_1],
    [{ a: '"q"', b: 1 }, 10],
    [{ a: '"q"', b: 1 }, 11],
    [{ a: 'x', b: 'y' }, -1],
  ] as const) {
    theirs.observe(labels, value);
    ours.labels(labels).observe(value);
  }
  ours.labels({ a: 'x', b: 'y' }).observe(Number.NaN);
  // Labels may stand in any order (OpenMetrics 1.0, Label).
  const lines = (text: string): string[] =>
    text
      .split('\n')
      .filter((line) => /t_seconds/.test(line))
      .map((line) =>
        line.replace(
          /{(.*)}/,
          (_, labels: string) =>
            `{${labels
              .split(',')
              .toSorted((one, other) => one.localeCompare(other))
              .join(',')}}`,
        ),
      )
      .toSorted((one, other) => one.localeCompare(other));
  expect(lines(await metrics.text())).toEqual(lines(await registry.metrics()));
});
