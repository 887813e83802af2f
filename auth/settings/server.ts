/** Where the issuer listens, where it keeps its state, what it logs. */
import { defaultProofAgeSeconds } from '@sallyport/contract';
import {
  choiceSetting,
  durationSetting,
  integerSetting,
  listSetting,
  portSetting,
  textSetting,
  urlSetting,
} from '@sallyport/kit/config';
import { redisRoleSetting, redisSettings } from '@sallyport/storage/redis/settings';
import { publicUrlProblem } from './public-url.ts';

export const serverSettings = {
  preset: choiceSetting({
    env: 'SALLYPORT_PRESET',
    values: ['microservices', 'cookie-spa', 'edge-gateway', 'device-chat', 'event-driven'],
    optional: true,
    doc: 'Named configuration that stands below everything else that is set.',
  }),
  serviceName: textSetting({
    env: 'AUTH_SERVICE_NAME',
    default: 'auth-service',
    doc: 'Name in `/health`, logs and metrics.',
  }),
  environmentLabel: textSetting({ env: 'ENVIRONMENT', optional: true, doc: 'A label for logs; it switches nothing.' }),
  host: listSetting({
    env: 'HOST',
    optional: true,
    doc: 'Addresses of the public listener. Default: both loopbacks, 127.0.0.1 and ::1.',
  }),
  port: portSetting({ env: 'AUTH_PORT', aliases: ['PORT', 'AUTH_SERVICE_PORT'], default: 8081, doc: 'Public port.' }),
  privatePort: portSetting({
    env: 'AUTH_PRIVATE_PORT',
    optional: true,
    doc: 'Port of the private listener (metrics, readiness details). Default: public port + 1000.',
  }),
  privateHost: listSetting({
    env: 'PRIVATE_HOST',
    optional: true,
    doc: 'Addresses of the private listener. Default: both loopbacks. Open it to a private network alone: whoever reaches it reads metrics and may ask for the revocation feed.',
  }),
  portOffset: integerSetting({
    env: 'SALLYPORT_PORT_OFFSET',
    min: 0,
    max: 50_000,
    default: 0,
    doc: 'Added to every port.',
  }),
  dataDir: textSetting({ env: 'SALLYPORT_DATA_DIR', default: 'data', doc: 'Folder of all state.' }),
  basePath: textSetting({
    env: 'AUTH_BASE_PATH',
    default: '/auth',
    pattern: /^(?:\/[A-Za-z0-9_-]+)*$/,
    doc: 'Path below which the issuer answers; may be empty in a preset.',
  }),
  logLevel: choiceSetting({
    env: 'LOG_LEVEL',
    values: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    doc: 'Least level that is logged.',
  }),
  clockLeewaySeconds: durationSetting({
    env: 'CLOCK_LEEWAY_SECONDS',
    unit: 'seconds',
    max: 300,
    default: 30,
    doc: 'How far clocks may be apart.',
  }),
  clockOffsetSeconds: integerSetting({
    env: 'SALLYPORT_CLOCK_OFFSET_SECONDS',
    min: -31_536_000,
    max: 31_536_000,
    default: 0,
    insecure: (seconds) => (seconds === 0 ? undefined : 'is set: the clock is wrong on purpose (for tests)'),
    doc: "Moves this server's clock; for tests.",
  }),
  publicUrl: urlSetting({
    env: 'PUBLIC_URL',
    optional: true,
    check: publicUrlProblem,
    doc: 'Where clients find this server, such as `https://login.example.org`: proofs of possession (DPoP) have to name it. With a path where a gateway cuts that off. Default: `http://localhost:<port>`, `https:` with a certificate.',
  }),
  authPublicUrl: urlSetting({
    env: 'AUTH_PUBLIC_URL',
    optional: true,
    check: publicUrlProblem,
    doc: 'The same where PUBLIC_URL is that of a gateway which is started with it.',
  }),
  proofMaxAgeSeconds: durationSetting({
    env: 'PROOF_MAX_AGE_SECONDS',
    unit: 'seconds',
    min: 5,
    max: 300,
    default: defaultProofAgeSeconds,
    doc: 'How old a proof of possession (DPoP) may be, beside CLOCK_LEEWAY_SECONDS.',
  }),
  ...redisSettings('sessions, nonces and attempts'),
  ...redisRoleSetting,
};
