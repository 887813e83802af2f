import { type Maintenance, openMaintenance } from '@sallyport/auth/maintenance';
import { readEnvironment } from '../environment.ts';
import { hostEnvironment } from '../host-environment.ts';

/** Opens the store that the settings name, and closes it whatever happens. */
export const withMaintenance = async (work: (store: Maintenance) => Promise<void>): Promise<void> => {
  const store = await openMaintenance(hostEnvironment(readEnvironment(process.env, '.env')));
  try {
    await work(store);
  } finally {
    await store.close();
  }
};
