/** deploy/kubernetes and the workflow: read as data, like the compose file. */
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { madeSecrets, namesKnownTo, readManifests, textOf } from './testing/files.ts';

const manifests = readManifests();
const ofKind = (kind: string) => manifests.filter((each) => each.kind === kind);
const pods = ofKind('Deployment').map(({ metadata: { name }, spec }) => {
  if (spec.template === undefined) throw new Error(`${name} has no template`);
  return { name, labels: spec.template.metadata.labels, pod: spec.template.spec };
});

describe('the manifests', () => {
  it('are all listed, and describe issuer, gateway and a service', () => {
    const { resources } = parse(textOf('deploy/kubernetes/kustomization.yaml')) as { resources: readonly string[] };
    expect(resources.flatMap((file) => textOf(`deploy/kubernetes/${file}`).match(/^kind:/gm) ?? [])).toHaveLength(
      manifests.length,
    );
    expect(pods.map(({ name }) => name).sort()).toEqual(['api-gateway', 'auth-service', 'user-service']);
  });

  it('run pods of the restricted profile, without service links and without an account of the cluster', () => {
    for (const { name, pod } of pods) {
      expect(pod, name).toMatchObject({
        enableServiceLinks: false,
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
      });
      // Five seconds before SIGTERM, and ten for the stop.
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(20);
      for (const { securityContext } of pod.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  it('ask whether a server lives and whether it can serve, each by the route for it', () => {
    for (const { pod } of pods) {
      for (const { startupProbe, livenessProbe, readinessProbe } of pod.containers) {
        const asked = [startupProbe, livenessProbe, readinessProbe].map((probe) => probe?.httpGet?.path);
        expect(asked).toEqual(['/health', '/health', '/ready']);
      }
    }
  });

  it('bring a disruption budget and a service for each, which find its pods, and who may reach them', () => {
    for (const { name, labels } of pods) {
      for (const kind of ['PodDisruptionBudget', 'Service', 'NetworkPolicy']) {
        const own = ofKind(kind).find(({ metadata }) => metadata.name === name);
        expect(own, `${kind} ${name}`).toBeDefined();
        const { matchLabels = own?.spec.selector } = (own?.spec.selector ?? {}) as { matchLabels?: object };
        if (kind !== 'NetworkPolicy') expect(labels).toMatchObject(matchLabels as object);
      }
    }
    expect(ofKind('NetworkPolicy').some(({ metadata }) => metadata.name === 'nobody')).toBe(true);
  });

  it('name no setting that the server has not, and no secret: those come from the secret of the same name', () => {
    expect(ofKind('Secret')).toEqual([]);
    const made = madeSecrets();
    for (const { name, pod } of pods) {
      for (const { args, env, envFrom } of pod.containers) {
        expect(envFrom).toEqual([{ secretRef: { name } }]);
        expect(made[name]?.length).toBeGreaterThan(0);
        const known = [...namesKnownTo(args)];
        for (const { name: setting, value } of env) {
          expect(known, `${name}: ${setting}`).toContain(setting);
          expect(setting).not.toMatch(/SECRET|_KEYS|PASSWORD|TOKEN|DATABASE_URL|REDIS_URL/);
          expect(value).not.toMatch(/:\/\/[^/]*@|^[A-Za-z0-9+/_-]{32,}$/);
        }
      }
    }
  });
});

describe('the workflow of hosted CI', () => {
  const { jobs, permissions } = parse(textOf('.github/workflows/ci.yml')) as {
    readonly permissions: object;
    readonly jobs: Readonly<
      Record<
        string,
        { readonly 'timeout-minutes': number; readonly env?: object; readonly steps: readonly { run?: string }[] }
      >
    >;
  };

  it('checks, tests with nothing left out, and builds the image and brings the compose file up', () => {
    expect(permissions).toEqual({ contents: 'read' });
    const runs = (job: string) => (jobs[job]?.steps ?? []).map(({ run = '' }) => run).join('\n');
    expect(runs('check')).toContain('npm run check');
    expect(runs('test')).toContain('npm test');
    expect(jobs['test']?.env).toEqual({ SALLYPORT_REQUIRE_SERVICES: '1' });
    expect(runs('image')).toMatch(/--read-only --cap-drop ALL[\s\S]*docker compose -f deploy\/compose\.yaml up/);
    for (const job of Object.values(jobs)) expect(job['timeout-minutes']).toBeGreaterThan(0);
  });
});
