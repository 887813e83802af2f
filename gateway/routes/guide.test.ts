import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadGatewaySettings } from '../load-settings.ts';
import type { RouteFile } from '../routes.ts';
import { baseEnv } from '../testing/rig.ts';
import { fileFormProblems } from './check-form.ts';
import { checkRules } from './check-rules.ts';
import { readYaml } from './read-yaml.ts';
import { members } from './schema.ts';

const guide = readFileSync(new URL('../../docs/guides/gateway-routes.md', import.meta.url), 'utf8');
const examples = [...guide.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => text);
const { settings } = loadGatewaySettings({ env: baseEnv }, () => []);

describe('the guide', () => {
  it.each(examples)('shows a file that can be put in force: %#', (text) => {
    const { value, problems } = readYaml(text);
    expect([problems, fileFormProblems(value)]).toEqual([[], []]);
    const { services = settings.services, routes } = value as RouteFile;
    expect(checkRules({ services, routes, accessCookie: undefined }).problems).toEqual([]);
  });

  it('names every member of a rule', () => {
    for (const name of [...members.proxy, ...members.userLimit, ...members.health]) expect(guide).toContain(name);
  });
});
