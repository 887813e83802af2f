/** What the page's server is told. It holds no secret, so there is none among its settings. */
import { type Environment, urlOf } from '@sallyport/example-kit/environment';
import { type PageListeners, readPageListeners } from '@sallyport/example-kit/page-server';

export interface PageSettings {
  readonly listeners: PageListeners;
  /** Where the browser and this server reach the issuer's routes, for example `http://localhost:8080/api/v1/auth`. */
  readonly authUrl: string;
  readonly dataDir: string;
}

/** @throws SettingsError */
export const readPageSettings = (env: Environment): PageSettings => {
  const listeners = readPageListeners(env);
  const issuer = urlOf(env, 'AUTH_SERVICE_URL', `http://localhost:${8080 + listeners.portOffset}`);
  return Object.freeze({
    listeners,
    authUrl: `${issuer}${env['AUTH_BASE_PATH'] ?? '/api/v1/auth'}`,
    dataDir: env['SALLYPORT_DATA_DIR'] ?? 'data',
  });
};
