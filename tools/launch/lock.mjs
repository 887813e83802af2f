import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 200;
/** An older lock is left over from before a restart: its process id may belong to somebody else by now. */
const holdsAtMostMs = 15 * 60_000;

/**
 * Runs `work` while this process alone holds the lock file; waits for another holder that lives, takes over from one
 * that died. Resolves to what `work` does, or to 1 when `stop` aborts the wait.
 */
export async function withLock(file, stop, work) {
  if (!(await acquire(file, stop))) return 1;
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

async function acquire(file, stop) {
  for (let told = false; !stop.aborted; await sleep(pollMs)) {
    if (claim(file)) return true;
    const holder = holderOf(file);
    if (holder === undefined) continue;
    if (!lives(holder.pid) || Date.now() - holder.sinceMs > holdsAtMostMs) {
      takeAway(file, holder.pid);
      continue;
    }
    if (!told) console.error(`Process ${holder.pid} is installing dependencies here; waiting for it.`);
    told = true;
  }
  return false;
}

/** A link appears with its content and fails where the name is taken: nobody ever reads an empty lock. */
function claim(file) {
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Of several who saw the dead holder, one moves its lock away; who moved a newer one by mistake puts it back. */
function takeAway(file, deadHolder) {
  const aside = `${file}.dead.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== String(deadHolder)) linkSync(aside, file);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function holderOf(file) {
  try {
    return { sinceMs: statSync(file).mtimeMs, pid: Number(readFileSync(file, 'utf8')) };
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
