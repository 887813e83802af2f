/** What the profile service is told. */

import { type Environment, integerOf, SettingsError, secretOf } from '@sallyport/example-kit/environment';
import { readTls, type TlsFiles } from '@sallyport/example-kit/tls';
import { type AssertionKey, assertionKeysFrom } from '@sallyport/verify';
import { type KafkaPlace, kafkaPlace } from './kafka-place.ts';
import { readWebhookKeys } from './webhook-signature.ts';

export interface ProfileSettings {
  /** Keys that the gateway's assertions for this service are checked with. */
  readonly assertionKeys: readonly AssertionKey[];
  /** Where events are read. Undefined: they are posted here. */
  readonly kafka: KafkaPlace | undefined;
  /** Keys that posted events are signed with. None: none is taken. */
  readonly webhookKeys: readonly Buffer[];
  /** Address of the public listener. Default `localhost`: both loopbacks. */
  readonly host: string;
  readonly port: number;
  readonly privatePort: number;
  /** Address of the private listener. Default `localhost`. */
  readonly privateHost: string;
  /** Both listeners speak TLS; undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  readonly dataDir: string;
  readonly logLevel: string;
  /** How far clocks may be apart. */
  readonly leewaySeconds: number;
  readonly clockOffsetMs: number;
}

const privatePortDistance = 1000;

/** @throws SettingsError */
export const readProfileSettings = (env: Environment): ProfileSettings => {
  const port = integerOf(env, 'PORT', 8082, 1, 65_535) + integerOf(env, 'SALLYPORT_PORT_OFFSET', 0, 0, 50_000);
  if (port + privatePortDistance > 65_535) throw new SettingsError(`SALLYPORT_PORT_OFFSET moves port ${port} too far`);
  // `30` or `30s`, as the other servers take it.
  const leeway = { ...env, CLOCK_LEEWAY_SECONDS: env['CLOCK_LEEWAY_SECONDS']?.trim().replace(/s$/, '') };
  return Object.freeze({
    assertionKeys: readAssertionKeys(env),
    kafka: kafkaPlace(env, port),
    webhookKeys: readWebhookKeys(secretOf(env, 'WEBHOOK_SECRETS')),
    host: env['HOST']?.split(',')[0]?.trim() ?? 'localhost',
    port,
    privatePort: port + privatePortDistance,
    privateHost: env['PRIVATE_HOST']?.split(',')[0]?.trim() ?? 'localhost',
    tls: readTls(env),
    dataDir: env['SALLYPORT_DATA_DIR'] ?? 'data',
    logLevel: env['LOG_LEVEL'] ?? 'info',
    leewaySeconds: integerOf(leeway, 'CLOCK_LEEWAY_SECONDS', 30, 0, 300),
    clockOffsetMs: integerOf(env, 'SALLYPORT_CLOCK_OFFSET_SECONDS', 0, -31_536_000, 31_536_000) * 1000,
  });
};

const readAssertionKeys = (env: Environment): readonly AssertionKey[] => {
  try {
    return assertionKeysFrom(env);
  } catch (error) {
    throw new SettingsError(error instanceof Error ? error.message : 'GATEWAY_ASSERTION_KEYS is required');
  }
};
