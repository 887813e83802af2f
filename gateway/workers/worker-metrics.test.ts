import { createMetrics, type MetricsSnapshot } from '@sallyport/kit/metrics';
import { expect, it } from 'vitest';
import { createWorkerMetrics, requestsOf } from './worker-metrics.ts';

const snapshotOf = (requests: number): Promise<MetricsSnapshot> => {
  const metrics = createMetrics('sallyport_gateway_');
  metrics.counter({ name: 'requests_total', help: 'Requests.', labels: ['route'] }).inc({ route: '/a' }, requests);
  metrics.gauge({ name: 'entries', help: 'Entries.' }).set(requests);
  return metrics.snapshot();
};

it('adds workers up, tells of the process once, and loses nothing that a dead worker had counted', async () => {
  const metrics = createWorkerMetrics();
  const main = await snapshotOf(0);
  const [one, two] = [
    { worker: 1, metrics: await snapshotOf(3) },
    { worker: 2, metrics: await snapshotOf(4) },
  ];
  expect([one, two].map(requestsOf)).toEqual([3, 4]);
  const requests = 'sallyport_gateway_requests_total{route="/a"}';
  const text = await metrics.text(main, [one, two]);
  expect(text).toContain(`${requests} 7\n`);
  expect(text).toContain('sallyport_gateway_entries 7\n');
  const cpu = main.find(({ name }) => name === 'process_cpu_seconds_total')?.values[0]?.value;
  expect(text).toContain(`process_cpu_seconds_total ${cpu}\n`);
  metrics.left(2);
  expect(await metrics.text(main, [one])).toContain(`${requests} 7\n`);
  const again = { worker: 2, metrics: await snapshotOf(1) };
  const after = await metrics.text(main, [one, again]);
  expect(after).toContain(`${requests} 8\n`);
  // What is no sum is of those who live.
  expect(after).toContain('sallyport_gateway_entries 4\n');
  metrics.left(2);
  metrics.left(1);
  expect(await metrics.text(main, [])).toContain(`${requests} 8\n`);
});
