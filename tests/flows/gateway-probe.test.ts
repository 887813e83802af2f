/** A gateway with UPSTREAM_PROBE tells which services answer whoever comes past it. */
import { afterEach, expect, it } from 'vitest';
import { type GuardedService, startGuardedServices } from '../testing/guarded-services.ts';
import { readMetric } from '../testing/metrics.ts';
import { newInstallation, startGateway } from '../testing/microservices.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../testing/recording-upstream.ts';
import { routeFile } from '../testing/route-file.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const table = (url: string | undefined) => ({
  version: 1,
  services: [{ id: 'orders', url }],
  routes: [{ path: '/orders/*', service: 'orders', access: 'required' }],
});

const open = async (settings: Readonly<Record<string, string>>) => {
  const installation = newInstallation();
  const unguarded: RecordingUpstream = await startRecordingUpstream();
  const guarded: readonly GuardedService[] = await startGuardedServices('orders', installation.assertionKeys('orders'));
  ends.push(unguarded.close, ...guarded.map(({ close }) => close));
  const file = routeFile(installation, table(unguarded.url));
  const gateway = await startGateway(installation, { GATEWAY_ROUTES_FILE: file.path, ...settings });
  ends.push(gateway.stop);
  const answers = () =>
    readMetric(gateway.privateUrl, 'sallyport_gateway_upstream_answers_without_assertion', '{service="orders"}');
  return { gateway, unguarded, guarded, file, answers };
};

it.each(['1', '2'])('with %s threads, after the start and after each reload', async (workers) => {
  const { gateway, guarded, unguarded, file, answers } = await open({ UPSTREAM_PROBE: 'on', GATEWAY_WORKERS: workers });
  const warning = await gateway.waitForLine(({ level, service }) => level === 'warn' && service === 'orders');
  expect(warning).toMatchObject({ path: '/orders/sallyport-probe', status: 200, target: unguarded.url });
  expect(await answers()).toBe(1);
  file.replace(table(guarded[0]?.url));
  const fine = await gateway.waitForLine(({ target }) => target === guarded[0]?.url);
  expect(fine).toMatchObject({ level: 'info', status: 401 });
  expect(await answers()).toBe(0);
  // One question, once: not one for each thread.
  expect(unguarded.received).toHaveLength(1);
});

it('asks nobody unless it is told to', async () => {
  const { gateway, unguarded, guarded, file } = await open({});
  file.replace(table(guarded[0]?.url));
  await gateway.waitForLine(({ msg }) => msg === 'routes reloaded');
  expect(unguarded.received).toEqual([]);
});
