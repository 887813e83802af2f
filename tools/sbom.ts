/**
 * `npm run sbom`: what the production install consists of (deploy/Dockerfile), on every platform, as CycloneDX 1.5 in
 * `dist/sbom.cdx.json`, from the lock file, validated against the official schema. `npm run sbom -- --all` lists all workspaces and the
 * tools of development as well.
 * Owns: the order. Never: changes the lock file.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { installTools } from './install-tools.ts';
import { runOrThrow } from './pack/run-or-throw.ts';
import { fromElsewhere, type Sbom, withName, withoutHash } from './sbom/components.ts';

const root = dirname(import.meta.dirname);
const judge = join(root, 'tools/sbom/judge');
const output = join(root, 'dist/sbom.cdx.json');

interface Cyclonedx {
  readonly Spec: { readonly Version: { readonly v1dot5: unknown } };
  readonly Validation: {
    readonly JsonStrictValidator: new (version: unknown) => { validate(text: string): Promise<unknown> };
  };
}

try {
  const wanted = process.argv.includes('--all') ? [] : ['--omit=dev', '--workspace=@sallyport/cli'];
  const made = runOrThrow(
    'npm',
    ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only', ...wanted],
    {
      cwd: root,
    },
  );
  const sbom = withName(JSON.parse(made) as Sbom, 'sallyport');
  const text = `${JSON.stringify(sbom, null, 2)}\n`;
  installTools(judge);
  const require = createRequire(import.meta.url);
  const { Spec, Validation } = require(join(judge, 'node_modules/@cyclonedx/cyclonedx-library')) as Cyclonedx;
  const faults = await new Validation.JsonStrictValidator(Spec.Version.v1dot5).validate(text);
  if (faults !== null) throw new Error(`not valid CycloneDX 1.5: ${JSON.stringify(faults).slice(0, 2000)}`);
  const elsewhere = fromElsewhere(sbom);
  if (elsewhere.length > 0) throw new Error(`not from the registry:\n${elsewhere.join('\n')}`);
  mkdirSync(dirname(output), { recursive: true });
  writeFileSync(output, text);
  console.log(`${sbom.components.length} components in dist/sbom.cdx.json, valid CycloneDX ${sbom.specVersion}`);
  const unheld = withoutHash(sbom);
  if (unheld.length > 0) console.log(`${unheld.length} without a hash in the lock file: ${unheld.join(', ')}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
