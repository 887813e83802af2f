import { randomUUID } from 'node:crypto';
import type { Environment } from '@sallyport/example-kit/environment';
import { startPage } from '@sallyport/example-kit/page-server';
import type { RunningServer } from '@sallyport/example-kit/run';
import { expenseRoutes } from './expense-routes.ts';
import { openExpenses } from './expenses.ts';
import { readPageSettings } from './settings.ts';
import { createWhoCalls } from './who-calls.ts';

const pageFolder = new URL('../page/', import.meta.url);

/** Hands out the page, and keeps the expenses. @throws SettingsError */
export const startPageServer = async (env: Environment): Promise<RunningServer> => {
  const { authUrl, dataDir, listeners } = readPageSettings(env);
  const expenses = openExpenses(dataDir);
  const whoCalls = createWhoCalls(authUrl, globalThis.fetch);
  return startPage({
    name: 'expense-page',
    listeners,
    folder: pageFolder,
    values: { 'auth-url': authUrl },
    connectTo: [new URL(authUrl).origin],
    routes: (app) => expenseRoutes(app, { expenses, whoCalls, newId: randomUUID }),
    isReady: expenses.isReady,
    close: expenses.close,
  });
};
