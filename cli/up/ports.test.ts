import { describe, expect, it } from 'vitest';
import { isBlockedPort } from './blocked-ports.ts';
import type { PlannedServer } from './plan.ts';
import { checkPorts, portNotes } from './ports.ts';

const page: PlannedServer = {
  name: 'page',
  title: 'page',
  entry: 'e',
  port: 3000,
  portSetting: 'PAGE_PORT',
  forBrowsers: true,
  settings: {},
};
const service: PlannedServer = { name: 'orders', title: 'orders', entry: 'e', port: 4669, settings: {} };

describe('the ports that are asked for', () => {
  it.each([
    [{ SALLYPORT_PORT_OFFSET: 'abc' }, 'SALLYPORT_PORT_OFFSET must be a whole number from 0 to 50000, and is "abc"'],
    [{ SALLYPORT_PORT_OFFSET: '1.5' }, 'SALLYPORT_PORT_OFFSET must be a whole number'],
    [{ SALLYPORT_PORT_OFFSET: '-1' }, 'SALLYPORT_PORT_OFFSET must be a whole number'],
    [{ SALLYPORT_PORT_OFFSET: '60000' }, 'SALLYPORT_PORT_OFFSET must be a whole number'],
    [{ PAGE_PORT: '80a' }, 'PAGE_PORT must be a whole number from 0 to 65535, and is "80a"'],
    [
      { PAGE_PORT: '65000' },
      'PAGE_PORT puts page on port 65000, with its private one 1000 above: there is no such port',
    ],
    [{ SALLYPORT_PORT_OFFSET: '3000' }, 'SALLYPORT_PORT_OFFSET puts page on port 6000: browsers refuse that port'],
    [{ PAGE_PORT: '6667' }, 'PAGE_PORT puts page on port 6667: browsers refuse that port'],
  ])('are refused with %j', async (env, message) => {
    await expect(checkPorts([page], env, 0)).rejects.toMatchObject({ message: expect.stringContaining(message) });
    await expect(checkPorts([page], env, 0)).rejects.toMatchObject({ exitCode: 78 });
  });

  it('are only spoken of where a server on a port that browsers refuse is not for them', async () => {
    const env = { SALLYPORT_PORT_OFFSET: '2000' };
    await checkPorts([service], env, 0);
    expect(portNotes([service, page], env)).toEqual(['orders is on port 6669, where no browser and no fetch goes.']);
    expect(portNotes([service, page], {})).toEqual([]);
  });

  it('are refused by fetch as well', async () => {
    for (const port of [6000, 6667, 10_080]) {
      expect(isBlockedPort(port)).toBe(true);
      await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toMatchObject({ cause: { message: 'bad port' } });
    }
  });
});
