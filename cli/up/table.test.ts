import { expect, it } from 'vitest';
import { readPlan } from './plan.ts';
import { startTable } from './table.ts';

const tableWith = (env: Readonly<Record<string, string>>, preset = 'microservices'): string => {
  const plan = readPlan(preset);
  const folder = { path: '/d', secrets: '/d/secrets', logs: '/d/logs', takenOver: false, release: () => undefined };
  return startTable({ plan, started: plan.servers, env, folder: { ...folder, sharedWith: undefined } });
};

it('names the gateway by https where it speaks that, and nobody else', () => {
  const table = tableWith({ GATEWAY_TLS_CERT_PATH: 'cert.pem', GATEWAY_TLS_KEY_PATH: 'key.pem' });
  expect(table).toMatch(/gateway +https:\/\/localhost:8080 /);
  expect(table).toContain('curl -s https://localhost:8080/api/v1/auth/register');
  expect(table).toMatch(/issuer +http:\/\/localhost:8081 /);
  expect(tableWith({})).not.toContain('https:');
});

it('names the route file in force, and tries no route of the preset then', () => {
  const table = tableWith({ GATEWAY_ROUTES_FILE: 'mine.yaml' });
  expect(table).toMatch(/route file +mine\.yaml: its routes, not those of the preset/);
  expect(table).toContain('  npm run -s sallyport -- routes check mine.yaml');
  expect(table).not.toContain('curl');
  expect(tableWith({})).not.toContain('route file');
});

it('says where sessions are', () => {
  expect(tableWith({ REDIS_URL: 'redis://localhost' }, 'device-chat')).toMatch(
    /: sessions and audit too; sessions noted in the Redis that REDIS_URL names;/,
  );
  expect(tableWith({})).toMatch(/state +SQLite in .*: sessions and audit too;/);
  expect(tableWith({ REDIS_ADDR: 'localhost:6379' })).toMatch(
    /: audit too; sessions in the Redis that REDIS_ADDR names;/,
  );
});

it('says where the audit is', () => {
  expect(tableWith({ AUDIT_DATABASE_URL: 'mysql://u:s3cret@db/audit' })).toMatch(
    /: sessions too; audit in the database that AUDIT_DATABASE_URL names;/,
  );
  expect(tableWith({ AUDIT_DATABASE_URL: 'mysql://u:s3cret@db/audit' })).not.toContain('s3cret');
});

it('says where events go', () => {
  expect(tableWith({})).toContain('; events go to the log\n');
  expect(tableWith({ WEBHOOK_URL: 'https://profiles.example.org/' })).toContain('; events go to the webhook\n');
  const kafka = { KAFKA_BROKERS: 'localhost:9092' };
  expect(tableWith(kafka)).toContain('; events go to Kafka\n');
  // To the service of the example, unless there is a Kafka.
  expect(tableWith({}, 'event-driven')).toContain('; events go to the webhook\n');
  expect(tableWith(kafka, 'event-driven')).toContain('; events go to Kafka\n');
});
