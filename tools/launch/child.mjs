import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const countsAsOneMs = 1000;
const ownGroup = process.platform !== 'win32';

/**
 * Runs `node args` with our stdio until it ends; resolves to its exit code, 128 + n when signal n ended it (as shells do).
 * The child leads its own process group: Ctrl-C reaches the terminal's whole group and npm forwards it as well, so only
 * by standing outside the group can the child be told exactly once. Signals within one second of the first are the same wish.
 * `stop` (AbortSignal): ask the child to stop (SIGTERM), and kill it when it has not within `stopWithinMs` (12 s).
 */
export function runChild({ node, args, cwd, env, stop, stopWithinMs = 12_000 }) {
  const guard = new URL(`./guard.mjs?launcher=${process.pid}&stopWithinMs=${stopWithinMs}`, import.meta.url);
  const child = spawn(node, ['--import', guard.href, ...args], {
    cwd,
    env,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: ownGroup,
  });
  let tellTimes = 0;
  const tell = (signal) => {
    const now = performance.now();
    if (tellTimes !== 0 && now - tellTimes < countsAsOneMs) return;
    tellTimes = now;
    signalGroup(child, signal);
  };
  const stopNow = () => {
    tell('SIGTERM');
    setTimeout(() => signalGroup(child, 'SIGKILL'), stopWithinMs).unref();
  };
  for (const signal of passedOn) process.on(signal, tell);
  if (stop.aborted) stopNow();
  else stop.addEventListener('abort', stopNow, { once: true });

  return new Promise((resolve) => {
    const done = (code) => {
      for (const signal of passedOn) process.off(signal, tell);
      stop.removeEventListener('abort', stopNow);
      resolve(code);
    };
    child.once('error', (error) => {
      console.error(`Cannot run ${node}: ${error.message}`);
      done(127);
    });
    child.once('exit', (code, signal) => {
      // What a command started and did not end itself must not outlive it.
      signalGroup(child, 'SIGKILL');
      done(code ?? 128 + constants.signals[signal]);
    });
  });
}

function signalGroup(child, signal) {
  if (child.pid === undefined) return;
  try {
    process.kill(ownGroup ? -child.pid : child.pid, signal);
  } catch (error) {
    // ESRCH: nobody is left. EPERM: on macOS, only zombies are left.
    if (error.code !== 'ESRCH' && error.code !== 'EPERM') throw error;
  }
}
