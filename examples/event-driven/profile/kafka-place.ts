/** Where the events are read, by the settings that the issuer writes them with. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { BaseOptions } from '@platformatic/kafka';
import { type Environment, SettingsError, secretOf } from '@sallyport/example-kit/environment';

export interface KafkaPlace {
  readonly topic: string;
  readonly groupId: string;
  /** The same after a restart: whoever comes back under it takes up its partitions at once, and nobody waits until it is missed. */
  readonly memberId: string;
  readonly connection: Pick<BaseOptions, 'bootstrapBrokers' | 'tls' | 'tlsServerName' | 'sasl'>;
}

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

/** `port` tells services on one machine apart. Undefined: no Kafka is named. @throws SettingsError */
export const kafkaPlace = (env: Environment, port: number): KafkaPlace | undefined => {
  const brokers = env['KAFKA_BROKERS']?.split(',').flatMap((text) => (text.trim() === '' ? [] : [text.trim()]));
  if (brokers === undefined || brokers.length === 0) return undefined;
  const isHere = brokers.every((broker) => /^(?:localhost|127(?:\.\d+){3}|\[::1\]):/.test(broker));
  const hasTls = /^(?:on|true)$/.test(env['KAFKA_TLS'] ?? (isHere ? 'off' : 'on'));
  const sasl = saslOf(env);
  if (sasl?.mechanism === 'PLAIN' && !hasTls)
    throw new SettingsError('KAFKA_SASL_MECHANISM is PLAIN without KAFKA_TLS=on');
  return {
    topic: env['KAFKA_TOPIC'] ?? 'user-events',
    groupId: env['KAFKA_GROUP_ID'] ?? 'profile-service',
    memberId: env['KAFKA_GROUP_INSTANCE_ID'] ?? `${hostname()}-${port}`,
    connection: {
      bootstrapBrokers: brokers,
      ...(hasTls && { tls: tlsOf(env), tlsServerName: brokers.every(isName) }),
      ...(sasl && { sasl }),
    },
  };
};

/** RFC 6066 §3: a server is told its name, never an address. */
const isName = (broker: string): boolean => !/^(?:[\d.]+|\[.*\]):\d+$/.test(broker);

const saslOf = (env: Environment) => {
  const [username, password] = [env['KAFKA_USERNAME'], secretOf(env, 'KAFKA_PASSWORD')];
  if (username === undefined && password === undefined) return undefined;
  const mechanism = mechanisms.find((known) => known === (env['KAFKA_SASL_MECHANISM'] ?? 'SCRAM-SHA-512'));
  if (username === undefined || password === undefined)
    throw new SettingsError('KAFKA_USERNAME and KAFKA_PASSWORD belong together');
  if (mechanism === undefined) throw new SettingsError(`KAFKA_SASL_MECHANISM must be one of ${mechanisms.join(', ')}`);
  return { mechanism, username, password };
};

const tlsOf = (env: Environment): Readonly<Record<string, string>> => {
  const files = { ca: 'KAFKA_CA_PATH', cert: 'KAFKA_CLIENT_CERT_PATH', key: 'KAFKA_CLIENT_KEY_PATH' };
  return Object.fromEntries(
    Object.entries(files).flatMap(([member, setting]) => {
      const path = env[setting];
      return path === undefined ? [] : [[member, readPem(setting, path)]];
    }),
  );
};

const readPem = (setting: string, path: string): string => {
  const text = readText(setting, path);
  // Taken as it is, it would stand for the system's own authorities.
  if (text.trim() === '') throw new SettingsError(`${setting}: ${path} is empty`);
  return text;
};

const readText = (setting: string, path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new SettingsError(`${setting}: ${path} cannot be read`);
  }
};
