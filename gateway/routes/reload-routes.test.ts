import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fingerprintOf, watchFile } from '@sallyport/kit/watch-file';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadGatewaySettings } from '../load-settings.ts';
import { baseEnv } from '../testing/rig.ts';
import { openUpstream } from '../upstreams/upstream.ts';
import type { EffectiveRules, RulesReading } from './effective-rules.ts';
import { createRouteReloader } from './reload-routes.ts';
import { createRouteSource } from './route-source.ts';
import { createUserLimits } from './user-limits.ts';

const services = [{ id: 'a', url: 'http://127.0.0.1:1', issuer: true }];
const rules = (path: string, url = 'http://127.0.0.1:1'): EffectiveRules => ({
  services: [{ id: 'a', url, issuer: true }],
  routes: [{ path, service: 'a', access: 'required' }],
});
const good = (path: string, url?: string): RulesReading => ({
  rules: rules(path, url),
  problems: [],
  warnings: ['look'],
});
const bad: RulesReading = { rules: undefined, problems: ['one', 'two'], warnings: [] };

const openSource = (env: Record<string, string> = {}) => {
  const { settings } = loadGatewaySettings({ env: { ...baseEnv, ...env } }, () => []);
  const source = createRouteSource({
    settings: { ...settings, services },
    rules: rules('/first'),
    open: (service) => openUpstream(service, { elapsedMs: () => 0, log: { warn: () => undefined } }),
    userLimits: createUserLimits(),
    elapsedMs: () => 0,
  });
  onTestFinished(() => source.close());
  return source;
};

const quietLog = () => {
  const lines: unknown[] = [];
  const note = (fields: object): void => void lines.push(fields);
  return { lines, log: { info: note, warn: note, error: note } as never };
};

describe('a reload', () => {
  it('puts all of a good reading in force and nothing of a bad one', async () => {
    const source = openSource();
    const readings = [good('/second'), bad, good('/third')];
    const { log, lines } = quietLog();
    const reloader = createRouteReloader({ read: async () => readings.shift() ?? bad, source, log });
    const known = () =>
      ['/first', '/second', '/third'].filter((path) => source.find(path, 'GET', undefined) !== undefined);
    expect(known()).toEqual(['/first']);
    await reloader.reload('told');
    expect([known(), reloader.stats()]).toEqual([['/second'], { adopted: 1, refused: 0, isCurrent: true }]);
    await reloader.reload('told');
    expect([known(), reloader.stats()]).toEqual([['/second'], { adopted: 1, refused: 1, isCurrent: false }]);
    expect(lines).toContainEqual({ problem: 'one' });
    expect(lines).toContainEqual({ problem: 'two' });
    await reloader.reload('told');
    expect([known(), reloader.stats()]).toEqual([['/third'], { adopted: 2, refused: 1, isCurrent: true }]);
  });

  it('reads one at a time, and once more for everybody who asked meanwhile', async () => {
    let readings = 0;
    let atOnce = 0;
    let most = 0;
    const read = async (): Promise<RulesReading> => {
      readings += 1;
      atOnce += 1;
      most = Math.max(most, atOnce);
      await sleep(5);
      atOnce -= 1;
      return good('/a');
    };
    const reloader = createRouteReloader({ read, source: openSource(), ...quietLog() });
    await Promise.all(Array.from({ length: 10 }, () => reloader.reload('told')));
    const first = reloader.reload('told');
    await sleep(1);
    await Promise.all([first, ...Array.from({ length: 10 }, () => reloader.reload('told'))]);
    expect([readings, most]).toEqual([3, 1]);
  });

  it('survives a reader that throws', async () => {
    const source = openSource();
    const reloader = createRouteReloader({ read: () => Promise.reject(new Error('x')), source, ...quietLog() });
    await reloader.reload('told');
    expect(reloader.stats()).toEqual({ adopted: 0, refused: 1, isCurrent: false });
  });

  it('does not move the issuer, whose keys and feed were opened at the start', () => {
    const moved = good('/b', 'http://127.0.0.1:2');
    expect(openSource({ JWT_ALGORITHM: 'ES256' }).adopt(moved)).toMatchObject({
      ok: false,
      problems: ['the issuer has moved from http://127.0.0.1:1: that needs a restart'],
    });
    expect(openSource().adopt(moved)).toEqual({ ok: true, routes: 1 });
  });
});

describe('a watched file', () => {
  it('is told of once it has been written, replaced, or is gone, and not of its neighbours', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-watch-'));
    const path = join(folder, 'routes.yaml');
    writeFileSync(path, 'a');
    let told = 0;
    const watcher = watchFile({
      path,
      known: fingerprintOf(path),
      onChange: () => {
        told += 1;
      },
    });
    onTestFinished(() => {
      watcher.close();
      rmSync(folder, { recursive: true });
    });
    const toldAfter = async (change: () => void): Promise<number> => {
      const before = told;
      change();
      await sleep(250);
      return told - before;
    };
    expect(await toldAfter(() => writeFileSync(join(folder, 'other.yaml'), 'x'))).toBe(0);
    expect(await toldAfter(() => writeFileSync(path, 'bb'))).toBe(1);
    const replace = (text: string) => {
      writeFileSync(`${path}.next`, text);
      renameSync(`${path}.next`, path);
    };
    expect(await toldAfter(() => replace('ccc'))).toBe(1);
    // What is written in several pieces is told of once.
    const inPieces = () => {
      for (const text of ['d', 'dd', 'ddd', 'dddd']) writeFileSync(path, text);
    };
    expect(await toldAfter(inPieces)).toBe(1);
    expect(await toldAfter(() => rmSync(path))).toBe(1);
  });
});
