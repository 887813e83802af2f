import { chmodSync, closeSync, existsSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';

/** Writes a secret so that it is there whole or not at all, for its owner alone. */
export const writeSecret = (file: string, secret: string): void => {
  const draft = `${file}.${process.pid}`;
  const descriptor = openSync(draft, 'w', 0o600);
  try {
    writeSync(descriptor, `${secret}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, file);
};

/** Makes the secret where there is none; what is there stays. */
export const keepSecret = (file: string, make: () => string): void => {
  // A copy of the folder may have lost the mode.
  if (existsSync(file)) chmodSync(file, 0o600);
  else writeSecret(file, make());
};
