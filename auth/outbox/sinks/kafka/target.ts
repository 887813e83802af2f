import { readFileSync } from 'node:fs';
import type { KafkaTarget } from './connection.ts';

/** Of the settings, what says where Kafka is. */
export interface KafkaTargetSettings {
  readonly kafkaBrokers: readonly string[] | undefined;
  readonly kafkaTls: boolean | undefined;
  readonly kafkaCaPath: string | undefined;
  readonly kafkaClientCertPath: string | undefined;
  readonly kafkaClientKeyPath: string | undefined;
  readonly kafkaSaslMechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly kafkaUsername: string | undefined;
  readonly kafkaPassword: string | undefined;
}

const isOnThisMachine = (broker: string): boolean => /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]):\d+$/.test(broker);

/** Where it is not stated: only what never leaves this machine goes without. */
export const hasTls = ({
  kafkaBrokers = [],
  kafkaTls,
}: Pick<KafkaTargetSettings, 'kafkaBrokers' | 'kafkaTls'>): boolean => kafkaTls ?? !kafkaBrokers.every(isOnThisMachine);

/** Undefined: no Kafka is named. @throws where a file cannot be read */
export const kafkaTarget = (settings: KafkaTargetSettings): KafkaTarget | undefined => {
  const { kafkaBrokers: brokers, kafkaUsername: username, kafkaPassword: password } = settings;
  if (brokers === undefined) return undefined;
  const tls = {
    ...readPem('ca', 'KAFKA_CA_PATH', settings.kafkaCaPath),
    ...readPem('cert', 'KAFKA_CLIENT_CERT_PATH', settings.kafkaClientCertPath),
    ...readPem('key', 'KAFKA_CLIENT_KEY_PATH', settings.kafkaClientKeyPath),
  };
  return {
    brokers,
    ...(hasTls(settings) && { tls }),
    ...(username !== undefined &&
      password !== undefined && { sasl: { mechanism: settings.kafkaSaslMechanism, username, password } }),
  };
};

const readPem = (member: 'ca' | 'cert' | 'key', setting: string, path: string | undefined) => {
  if (path === undefined) return {};
  const text = readText(setting, path);
  // Taken as it is, it would stand for the system's own authorities.
  if (text.trim() === '') throw new Error(`${setting}: ${path} is empty`);
  return { [member]: text };
};

const readText = (setting: string, path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new Error(`${setting}: ${path} cannot be read`);
  }
};
