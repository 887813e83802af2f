import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeKeyPair } from '@sallyport/auth/maintenance';
import { makeFolder } from '@sallyport/storage/make-folder';
import { CommandError } from '../exit-codes.ts';

export const keyAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;

export interface NewKeysOptions {
  readonly dir: string;
  readonly algorithm: (typeof keyAlgorithms)[number];
  /** Overwrite what is there. */
  readonly force: boolean;
}

/**
 * Writes `jwt_private_key.pem` (RSA: PKCS#1, else PKCS#8; mode 0600) and `jwt_public_key.pem` (SPKI).
 * @throws CommandError where one of them is there and `force` is off
 */
export const newKeys = ({ dir, algorithm, force }: NewKeysOptions): { privatePath: string; publicPath: string } => {
  const privatePath = join(dir, 'jwt_private_key.pem');
  const publicPath = join(dir, 'jwt_public_key.pem');
  const there = [privatePath, publicPath].find((path) => existsSync(path));
  if (there !== undefined && !force)
    throw new CommandError(`${there} exists: nothing was changed (--force overwrites it)`);
  const { privatePem, publicPem } = makeKeyPair(algorithm);
  makeFolder(dir);
  writeFileSync(privatePath, privatePem, { mode: 0o600 });
  // The mode above holds for new files only.
  chmodSync(privatePath, 0o600);
  writeFileSync(publicPath, publicPem, { mode: 0o644 });
  return { privatePath, publicPath };
};
