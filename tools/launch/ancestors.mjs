import { readFileSync } from 'node:fs';

const pollMs = 250;
const maxAncestors = 32;

/**
 * A signal that aborts when npm (or a process between it and this one) has died without telling us, as `kill -9` does.
 * A process whose parent dies is handed to another parent at once, so it is enough to see that no parent in the chain
 * up to npm has changed. Off Linux only our own parent can be watched without starting a process for each look.
 * Started by hand, not through npm, nothing is watched: `nohup node tools/launch.mjs …` may outlive its shell.
 */
export function whenNpmIsGone() {
  const gone = new AbortController();
  if (process.env.npm_lifecycle_event === undefined) return gone.signal;
  const chain = chainUpToNpm();
  const timer = setInterval(() => {
    if (chain.every(({ pid, parent }) => parentOf(pid) === parent)) return;
    clearInterval(timer);
    gone.abort();
  }, pollMs);
  timer.unref();
  return gone.signal;
}

/** Every process below npm, this one first, each with its parent. Only this one where npm is not among the ancestors. */
function chainUpToNpm() {
  const self = { pid: process.pid, parent: process.ppid };
  const chain = [self];
  for (let link = self; chain.length < maxAncestors; ) {
    if (isNpm(link.parent)) return chain;
    const parent = parentOf(link.parent);
    if (parent === undefined || parent === 0) break;
    link = { pid: link.parent, parent };
    chain.push(link);
  }
  return [self];
}

function parentOf(pid) {
  if (pid === process.pid) return process.ppid;
  const stat = readProc(pid, 'stat');
  // proc(5): the name stands in parentheses and may itself hold any character; state and parent follow the last one.
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** npm sets its title to `npm <command>`; before that its command line names `npm-cli.js`. */
function isNpm(pid) {
  return /^npm(\s|$)|[\\/](npm|npm-cli\.js)(\s|$)/.test((readProc(pid, 'cmdline') ?? '').replaceAll('\0', ' '));
}

function readProc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // The process ended, or this system has no /proc.
    return undefined;
  }
}
