/**
 * Loaded into the launcher's child before its own code (`--import guard.mjs?launcher=<pid>&stopWithinMs=<ms>`): when the
 * launcher is gone, `kill -9` included, the channel closes, and the child's whole process group is asked to stop, then made to.
 * Processes that inherit the flag (forks, worker threads) have another parent or no channel and are left alone.
 */
import { isMainThread } from 'node:worker_threads';

const given = new URL(import.meta.url).searchParams;
const launcher = Number(given.get('launcher'));
const stopWithinMs = Number(given.get('stopWithinMs'));

if (isMainThread && process.channel && process.ppid === launcher) {
  process.once('disconnect', () => {
    signalGroup('SIGTERM');
    setTimeout(() => signalGroup('SIGKILL'), stopWithinMs).unref();
  });
  // A listener keeps the channel, and with it the process, alive; the command alone decides when it is done.
  process.channel.unref();
}

/** The launcher made this process the leader of its own group, except on Windows, which has none. */
function signalGroup(signal) {
  process.kill(process.platform === 'win32' ? process.pid : -process.pid, signal);
}
