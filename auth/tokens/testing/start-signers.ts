/** An OpenBao and a KMS (moto) of a test's own, on free ports of the loopback, with nothing on the disk but a certificate. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  KMSClient,
  UpdateAliasCommand,
} from '@aws-sdk/client-kms';
import { freePort } from '@sallyport/storage/testing/free-port';
import { hasMoto, hasOpenBao, motoFolder, openBao } from './signer-packages.ts';

export interface BaoAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface OpenBaoServer {
  readonly address: string;
  /** PEM file of the authority that has signed its certificate. */
  readonly caPath: string;
  readonly rootToken: string;
  /** As an operator: `call('POST', 'transit/keys/a', { type: 'ecdsa-p256' })`. */
  call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<BaoAnswer>;
  unseal(): Promise<void>;
  /** It stays connected and answers nothing. */
  freeze(): Promise<void>;
  thaw(): void;
  stop(): Promise<void>;
}

/** Whether a test that needs them has to be skipped. Throws where it may not be. */
const isMissing = (name: string, isThere: boolean): boolean => {
  if (!isThere && process.env['SALLYPORT_REQUIRE_SERVICES'] === '1') throw new Error(`${name} is missing`);
  if (!isThere) process.stderr.write(`MISSING: ${name}: signers are not tested against it\n`);
  return !isThere;
};
export const isOpenBaoMissing = (): boolean => isMissing('openbao', hasOpenBao());
export const isMotoMissing = (): boolean => isMissing('moto', hasMoto());

const startLimitMs = 60_000;

const ready = async (child: ChildProcess, answers: () => Promise<boolean>, told: () => string): Promise<void> => {
  const untilMs = performance.now() + startLimitMs;
  while (!(await answers().catch(() => false))) {
    if (child.exitCode !== null || performance.now() > untilMs) throw new Error(`it does not start: ${told()}`);
    await sleep(50);
  }
};

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  // One that is frozen hears nothing else.
  child.kill('SIGKILL');
  await exit;
};

/** proc_pid_stat(5): `T`, behind the name in brackets, of each thread. A signal is sent sooner than it is obeyed. */
const hasStopped = (pid: number): boolean =>
  readdirSync(`/proc/${pid}/task`).every((thread) => {
    try {
      return /\) [TtZX] /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8'));
    } catch {
      // It has ended.
      return true;
    }
  });

const spawnQuietly = (program: string, args: readonly string[], env: Readonly<Record<string, string>>) => {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let told = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => {
      told = (told + part.toString('utf8')).slice(-20_000);
    });
  const endWithUs = () => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  child.once('exit', () => process.removeListener('exit', endWithUs));
  return { child, told: () => told };
};

export const startOpenBao = async (): Promise<OpenBaoServer> => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bao-'));
  const port = await freePort();
  const rootToken = 'root-of-a-test';
  const { child, told } = spawnQuietly(
    openBao(),
    [
      ...['server', '-dev', '-dev-tls', `-dev-tls-cert-dir=${folder}`, '-dev-no-store-token'],
      ...[`-dev-listen-address=127.0.0.1:${port}`, `-dev-root-token-id=${rootToken}`],
    ],
    { HOME: folder },
  );
  const address = `https://127.0.0.1:${port}`;
  const caPath = join(folder, 'vault-ca.pem');
  const call: OpenBaoServer['call'] = (method, path, body) =>
    new Promise((resolve, reject) => {
      const ca = readFileSync(caPath);
      const options = { method, ca, agent: false, headers: { 'x-vault-token': rootToken } } as const;
      const sent = request(`${address}/v1/${path}`, options, (answer) => {
        answer.toArray().then((parts: Buffer[]) => {
          const text = Buffer.concat(parts).toString('utf8');
          resolve({ status: answer.statusCode ?? 0, body: text === '' ? {} : (JSON.parse(text) as BaoAnswer['body']) });
        }, reject);
      });
      sent.on('error', reject);
      sent.end(body && JSON.stringify(body));
    });
  await ready(child, async () => (await call('GET', 'sys/health')).status === 200, told);
  await call('POST', 'sys/mounts/transit', { type: 'transit' });
  return {
    address,
    caPath,
    rootToken,
    call,
    unseal: async () => {
      const key = /Unseal Key: (\S+)/.exec(told())?.[1];
      await call('POST', 'sys/unseal', { key });
    },
    freeze: async () => {
      child.kill('SIGSTOP');
      while (!hasStopped(child.pid ?? 0)) await sleep(1);
    },
    thaw: () => void child.kill('SIGCONT'),
    stop: async () => {
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

export interface KmsServer {
  readonly endpoint: string;
  /** What its client reads from the environment. It believes any. */
  readonly environment: Readonly<Record<string, string>>;
  /** Its ARN. */
  makeKey(spec: 'ECC_NIST_P256' | 'RSA_2048', alias?: string): Promise<string>;
  turnAlias(alias: string, arn: string): Promise<void>;
  disable(arn: string): Promise<void>;
  stop(): Promise<void>;
}

export const startKms = async (): Promise<KmsServer> => {
  const port = await freePort();
  const args = ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)];
  const { child, told } = spawnQuietly('python3', args, { PYTHONPATH: motoFolder() });
  const endpoint = `http://127.0.0.1:${port}`;
  await ready(child, async () => (await fetch(`${endpoint}/moto-api/`)).status < 500, told);
  const credentials = { accessKeyId: 'of-a-test', secretAccessKey: 'of-a-test' };
  const operator = new KMSClient({ endpoint, region: 'eu-central-1', credentials });
  // What it does by an ARN it does for some commands alone.
  const idOf = (arn: string): string => arn.split('/').at(-1) ?? '';
  return {
    endpoint,
    environment: { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'of-a-test', AWS_SECRET_ACCESS_KEY: 'of-a-test' },
    makeKey: async (KeySpec, AliasName) => {
      const { KeyMetadata } = await operator.send(new CreateKeyCommand({ KeySpec, KeyUsage: 'SIGN_VERIFY' }));
      const arn = KeyMetadata?.Arn ?? '';
      if (AliasName !== undefined) await operator.send(new CreateAliasCommand({ AliasName, TargetKeyId: arn }));
      return arn;
    },
    turnAlias: async (AliasName, arn) =>
      void (await operator.send(new UpdateAliasCommand({ AliasName, TargetKeyId: arn }))),
    disable: async (arn) => void (await operator.send(new DisableKeyCommand({ KeyId: idOf(arn) }))),
    stop: async () => {
      operator.destroy();
      await ended(child);
    },
  };
};
