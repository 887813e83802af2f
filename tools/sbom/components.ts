/** Of a CycloneDX document as npm writes it: what is looked at here. */
export interface Component {
  readonly name: string;
  readonly version?: string;
  readonly 'bom-ref'?: string;
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
  readonly externalReferences?: readonly { readonly type: string; readonly url: string }[];
  readonly hashes?: readonly unknown[];
}

export interface Sbom {
  readonly specVersion: string;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
}

/** npm names the whole after the folder that it happens to stand in. */
export const withName = (sbom: Sbom, name: string): Sbom => ({
  ...sbom,
  metadata: { ...sbom.metadata, component: { ...sbom.metadata.component, name } },
});

const registry = 'https://registry.npmjs.org/';

const urlOf = ({ externalReferences = [] }: Component): string =>
  externalReferences.find(({ type }) => type === 'distribution')?.url ?? '';

/** Our own workspaces come from this repository, and nowhere else. */
const isOwn = ({ 'bom-ref': ref = '' }: Component): boolean => ref.startsWith('@sallyport/');

const label = ({ 'bom-ref': ref, name }: Component): string => ref ?? name;

/** What the lock file takes from somewhere else than the registry. */
export const fromElsewhere = ({ components }: Pick<Sbom, 'components'>): readonly string[] =>
  components
    .filter((each) => urlOf(each) !== '' && !urlOf(each).startsWith(registry))
    .map((each) => `${label(each)} ${urlOf(each)}`);

/** What the lock file holds to no hash: the registry is believed about it. */
export const withoutHash = ({ components }: Pick<Sbom, 'components'>): readonly string[] =>
  components.filter((each) => !isOwn(each) && (each.hashes ?? []).length === 0).map(label);
