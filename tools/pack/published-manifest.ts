/** A workspace's package.json, and what becomes of it in the registry: Node refuses to strip types below node_modules. Pure. */

type Exports = Readonly<Record<string, string>>;

export interface WorkspaceManifest {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly license: string;
  readonly exports: Exports;
  readonly bin?: Exports;
  readonly engines?: Exports;
  readonly dependencies?: Exports;
  readonly peerDependencies?: Exports;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly sideEffects?: boolean;
}

/** What servers need at least. What also runs in browsers says in its own manifest what its builds need. */
const serverEngines: Exports = { node: '>=24' };

const compiled = (path: string): string => path.replace(/\.ts$/, '.js');
const types = (path: string): string => path.replace(/\.ts$/, '.d.ts');
/** What serves only tests is compiled for nobody. */
const servesTests = (path: string): boolean => /(^|\/)(testing|conformance)\//.test(path);

/** No script, no development dependency, no workspace word; every entry has its types first, which is where compilers look. */
export const publishedManifest = (manifest: WorkspaceManifest): Readonly<Record<string, unknown>> => {
  const { name, version, description, license, exports, bin, engines = serverEngines, ...rest } = manifest;
  const entries = Object.entries(exports).filter(([, path]) => !servesTests(path));
  const { dependencies, peerDependencies, peerDependenciesMeta, sideEffects } = rest;
  return {
    ...{ name, version, description, license },
    type: 'module',
    engines,
    sideEffects,
    ...(bin && { bin: Object.fromEntries(Object.entries(bin).map(([command, path]) => [command, compiled(path)])) }),
    exports: Object.fromEntries(entries.map(([entry, path]) => [entry, publishedEntry(path)])),
    ...{ dependencies, peerDependencies, peerDependenciesMeta },
  };
};

const publishedEntry = (path: string): string | { readonly types: string; readonly default: string } =>
  path.endsWith('.ts') ? { types: types(path), default: compiled(path) } : path;
