/** The second copy of the chain's checkpoints: one JSON line each, appended. Whoever can change the audit store should not be able to change it. */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AuditCheckpoint } from '@sallyport/storage/contracts/audit';

export const appendToCheckpointFile = async (path: string, checkpoint: AuditCheckpoint): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  await appendFile(path, `${JSON.stringify(checkpoint)}\n`, { mode: 0o600 });
};

/** Empty where there is no file. A line that a crash has cut off is passed over. */
export const readCheckpointFile = async (path: string): Promise<readonly AuditCheckpoint[]> => {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').flatMap((line) => checkpointOf(line) ?? []);
};

const checkpointOf = (line: string): AuditCheckpoint | undefined => {
  try {
    const read = JSON.parse(line) as Partial<AuditCheckpoint>;
    return typeof read.place === 'number' && typeof read.signature === 'string' ? (read as AuditCheckpoint) : undefined;
  } catch {
    return undefined;
  }
};
