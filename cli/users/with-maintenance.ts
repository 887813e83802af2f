import { type Maintenance, openMaintenance } from '@sallyport/auth/maintenance';
import { readEnvironment } from '../environment.ts';
import { hostEnvironment, requireStoreOfFolder, withFolderHint } from '../host-environment.ts';

/** Opens the store that the settings name, and closes it whatever happens. */
export const withMaintenance = async (work: (store: Maintenance) => Promise<void>): Promise<void> => {
  const env = hostEnvironment(readEnvironment(process.env, '.env'));
  requireStoreOfFolder(env);
  const store = await openMaintenance(env).catch((error: unknown) => {
    throw withFolderHint(error, env);
  });
  try {
    await work(store);
  } finally {
    await store.close();
  }
};
