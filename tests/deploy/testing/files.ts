/** The files of deploy/, as data: read with the repository's own YAML, never by a container engine. */
import { readdirSync, readFileSync } from 'node:fs';
import { issuerSettingNames } from '@sallyport/auth/maintenance';
import { gatewaySettings } from '@sallyport/gateway/maintenance';
import { settingNames } from '@sallyport/kit/config';
import { parse, parseAllDocuments } from 'yaml';

export const textOf = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

export interface ComposeService {
  readonly image?: string;
  readonly command?: string | readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly env_file?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly restart?: string;
}

export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
}

export const readCompose = (): Compose => parse(textOf('deploy/compose.yaml'), { merge: true }) as Compose;

interface Probe {
  readonly httpGet?: { readonly path: string };
}

export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly selector?: Readonly<Record<string, unknown>>;
    readonly template?: { readonly metadata: { readonly labels: object }; readonly spec: PodSpec };
  };
}

export interface PodSpec {
  readonly enableServiceLinks?: boolean;
  readonly automountServiceAccountToken?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly containers: readonly {
    readonly name: string;
    readonly args: readonly string[];
    readonly env: readonly { readonly name: string; readonly value: string }[];
    readonly envFrom: readonly { readonly secretRef: { readonly name: string } }[];
    readonly startupProbe?: Probe;
    readonly livenessProbe?: Probe;
    readonly readinessProbe?: Probe;
    readonly securityContext?: Readonly<Record<string, unknown>>;
  }[];
}

/** Every document of every manifest. */
export const readManifests = (): readonly Manifest[] => {
  const folder = new URL('../../../deploy/kubernetes/', import.meta.url);
  return readdirSync(folder)
    .filter((name) => name !== 'kustomization.yaml')
    .flatMap((name) =>
      parseAllDocuments(readFileSync(new URL(name, folder), 'utf8')).map((each) => each.toJS() as Manifest),
    );
};

/** What the script makes: service -> names in its env file. */
export const madeSecrets = (): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    [...textOf('deploy/make-secrets.sh').matchAll(/^write ([a-z-]+) << END\n([\s\S]*?)^END$/gm)].map(
      ([, service = '', lines = '']) => [service, [...lines.matchAll(/^([A-Z_]+)=/gm)].map(([, name = '']) => name)],
    ),
  );

const exampleNames = [
  ...['HOST', 'PRIVATE_HOST', 'PORT', 'SALLYPORT_DATA_DIR', 'LOG_LEVEL', 'CLOCK_LEEWAY_SECONDS'],
  ...['GATEWAY_ASSERTION_KEYS', 'AUTH_SERVICE_URL', 'NOTIFICATION_PRIVATE_URL', 'NOTIFICATION_TOKEN'],
];
/** Read by deploy/healthy.mjs, and by libuv. */
const imageNames = ['PROBE_PORT', 'UV_THREADPOOL_SIZE'];

/** The settings that a server has, by the module that runs it. */
export const namesKnownTo = (command: readonly string[]): ReadonlySet<string> => {
  const [, what = ''] = command;
  if (what === 'auth') return new Set([...issuerSettingNames, ...imageNames]);
  if (what === 'gateway') return new Set([...settingNames(gatewaySettings), ...imageNames]);
  return new Set([...exampleNames, ...imageNames]);
};
