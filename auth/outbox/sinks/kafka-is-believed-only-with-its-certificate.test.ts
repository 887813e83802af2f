import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sabotagedIssuer } from '@sallyport/tests/prove/sabotaged-issuer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isKafkaMissing, type KafkaServer, startKafka } from '../testing/start-kafka.ts';
import type { KafkaTarget } from './kafka/connection.ts';
import { createKafkaSink } from './kafka.ts';
import type { Delivery } from './sink.ts';

const password = 'a password of the broker';
const jaas = 'org.apache.kafka.common.security';
const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

/** Key and certificate in one file, as Kafka's PEM keystore wants it: PKCS#8, self-signed. */
const makeCertificate = (folder: string, name: string): { readonly file: string; readonly cert: string } => {
  const [key, cert, file] = ['key', 'crt', 'pem'].map((end) => join(folder, `${name}.${end}`)) as [
    string,
    string,
    string,
  ];
  const kind = ['-newkey', 'rsa:2048', '-noenc', '-days', '2', '-subj', `/CN=${name}`];
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  writeFileSync(file, readFileSync(key, 'utf8') + readFileSync(cert, 'utf8'));
  return { file, cert: readFileSync(cert, 'utf8') };
};

const propertiesOf = (file: string, trusted: string) => ({
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.location': file,
  'ssl.truststore.type': 'PEM',
  'ssl.truststore.location': trusted,
  'sasl.enabled.mechanisms': mechanisms.join(','),
  'sasl.mechanism.inter.broker.protocol': 'PLAIN',
  'listener.name.client.plain.sasl.jaas.config': `${jaas}.plain.PlainLoginModule required username="ada" password="${password}" user_ada="${password}";`,
  'listener.name.client.scram-sha-256.sasl.jaas.config': `${jaas}.scram.ScramLoginModule required;`,
  'listener.name.client.scram-sha-512.sasl.jaas.config': `${jaas}.scram.ScramLoginModule required;`,
});

describe.skipIf(isKafkaMissing())('a Kafka broker with TLS and SASL', () => {
  let kafka: KafkaServer;
  let folder: string;
  let ca: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-kafka-tls-'));
    const own = makeCertificate(folder, 'broker');
    ca = own.cert;
    kafka = await startKafka({
      protocol: 'SASL_SSL',
      properties: propertiesOf(own.file, join(folder, 'broker.crt')),
      users: mechanisms.filter((each) => each !== 'PLAIN').map((each) => `${each}=[name=ada,password=${password}]`),
    });
  }, 60_000);
  afterAll(async () => {
    await kafka?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const deliver = async (
    given: Partial<KafkaTarget>,
    create: typeof createKafkaSink = createKafkaSink,
  ): Promise<Delivery | undefined> => {
    const sasl = { mechanism: 'SCRAM-SHA-512', username: 'ada', password } as const;
    const target = { brokers: [kafka.brokers], tls: { ca }, sasl, ...given };
    const sink = create({ target, topic: 'secured', createTopic: true });
    try {
      const event = {
        specversion: '1.0',
        id: randomUUID(),
        type: 'USER_CREATED',
        source: '/auth',
        subject: 'ada',
        time: new Date().toISOString(),
        datacontenttype: 'application/json',
        dataschema: 'https://example.org/1',
        extensions: {},
        data: '{}',
      } as const;
      return (await sink.deliver([event], new AbortController().signal))[0];
    } finally {
      await sink.close();
    }
  };

  it.each(mechanisms)('takes events after %s', async (mechanism) => {
    expect(await deliver({ sasl: { mechanism, username: 'ada', password } })).toEqual({ outcome: 'delivered' });
  });

  it('says what is wrong after a wrong password, and never the password', async () => {
    const answer = await deliver({
      sasl: { mechanism: 'SCRAM-SHA-256', username: 'ada', password: 'not the password' },
    });
    expect(answer?.outcome).toBe('unavailable');
    expect(JSON.stringify(answer)).toContain('refuses the name, the password or the SASL mechanism');
    expect(JSON.stringify(answer)).not.toContain('not the password');
  });

  it('is told nothing when its certificate is not the one that was to be trusted', async () => {
    for (const tls of [{}, { ca: makeCertificate(folder, 'stranger').cert }]) {
      const answer = await deliver({ tls });
      expect(answer).toEqual({ outcome: 'unavailable', reason: expect.stringMatching(/^Kafka cannot be trusted \(/) });
    }
  });

  it('would be told everything by a client that does not look', async () => {
    const broken = sabotagedIssuer({
      file: 'outbox/sinks/kafka/connection.ts',
      find: 'tls: { ...target.tls }',
      replace: 'tls: { ...target.tls, rejectUnauthorized: false }',
    });
    try {
      const path = pathToFileURL(join(dirname(broken.entry), 'outbox/sinks/kafka.ts')).href;
      const { createKafkaSink: create } = (await import(path)) as typeof import('./kafka.ts');
      expect(await deliver({ tls: { ca: makeCertificate(folder, 'stranger').cert } }, create)).toEqual({
        outcome: 'delivered',
      });
    } finally {
      broken.remove();
    }
  });
});
