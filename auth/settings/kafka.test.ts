import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAuthSettings } from '../load-settings.ts';
import { kafkaTarget } from '../outbox/sinks/kafka/target.ts';

const key = (): string => randomBytes(32).toString('base64url');
const load = (given: Readonly<Record<string, string>>) =>
  loadAuthSettings({ env: { SALLYPORT_ROOT_KEYS: `1:${key()}`, CSRF_KEYS: `1:${key()}`, ...given } });
const tlsOf = (given: Readonly<Record<string, string>>) => kafkaTarget(load(given).settings)?.tls;

describe('Kafka is spoken to', () => {
  it('with TLS, unless it is on this machine or somebody says otherwise and is warned', () => {
    expect(tlsOf({ KAFKA_BROKERS: 'localhost:9092,127.0.0.1:9093,[::1]:9094' })).toBeUndefined();
    expect(tlsOf({ KAFKA_BROKERS: 'localhost:9092,kafka:9092' })).toEqual({});
    expect(tlsOf({ KAFKA_BROKERS: 'localhost:9092', KAFKA_TLS: 'on' })).toEqual({});
    const clear = { KAFKA_BROKERS: 'kafka:9092', KAFKA_TLS: 'off' };
    expect(tlsOf(clear)).toBeUndefined();
    expect(load(clear).warnings.join()).toMatch(/KAFKA_TLS is off/);
  });

  it('never with the system’s authorities because a file is empty', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'sallyport-kafka-')), 'ca.pem');
    writeFileSync(path, '\n');
    expect(() => tlsOf({ KAFKA_BROKERS: 'kafka:9092', KAFKA_CA_PATH: path })).toThrow(/KAFKA_CA_PATH: .* is empty/);
    rmSync(dirname(path), { recursive: true });
  });

  it.each([
    [
      { KAFKA_BROKERS: 'kafka' },
      /KAFKA_BROKERS holds an item that is not `host:port`, such as kafka-1.example.org:9092/,
    ],
    [{ KAFKA_USERNAME: 'ada' }, /KAFKA_USERNAME is set, and KAFKA_BROKERS names no Kafka/],
    [{ EVENT_SINK: 'kafka' }, /KAFKA_BROKERS is required by EVENT_SINK=kafka/],
    [{ KAFKA_BROKERS: 'kafka:9092', KAFKA_USERNAME: 'ada' }, /KAFKA_PASSWORD is missing/],
    [{ KAFKA_BROKERS: 'kafka:9092', KAFKA_CLIENT_KEY_PATH: 'key.pem' }, /KAFKA_CLIENT_CERT_PATH is missing/],
    [{ KAFKA_BROKERS: 'localhost:9092', KAFKA_CA_PATH: 'ca.pem' }, /KAFKA_TLS is off/],
    [
      {
        KAFKA_BROKERS: 'localhost:9092',
        KAFKA_USERNAME: 'ada',
        KAFKA_PASSWORD: 'planted-secret',
        KAFKA_SASL_MECHANISM: 'PLAIN',
      },
      /KAFKA_SASL_MECHANISM is PLAIN without TLS/,
    ],
  ])('never as %j says', (given, problem) => {
    expect(() => load(given)).toThrow(problem);
    expect(() => load(given)).not.toThrow(/planted-secret/);
  });
});
