import { readdirSync, readFileSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';

/** As `nice -n 10`: about a tenth of what a thread of normal priority gets where both want the same core. */
const niceness = 10;
const threads = '/proc/self/task';

/**
 * Gives the threads that hash less of a busy processor than the one that answers: as many hashes are under way as there are cores, and
 * without this a refresh waits for its turn among them. Linux only (elsewhere a priority belongs to a process, not to a thread), and
 * only once something has been hashed, which is when the threads begin. Returns how many threads it was; 0 where it cannot be done,
 * which costs latency and nothing else.
 */
export const lowerHashPriority = (): number => {
  if (process.platform !== 'linux') return 0;
  try {
    const lowered = Math.min(getPriority() + niceness, constants.priority.PRIORITY_LOW);
    const workers = readdirSync(threads).filter(isPoolThread);
    for (const thread of workers) setPriority(Number(thread), lowered);
    return workers.length;
  } catch {
    // No /proc in this container, or a thread that ended while it was looked at.
    return 0;
  }
};

const isPoolThread = (thread: string): boolean =>
  readFileSync(`${threads}/${thread}/comm`, 'utf8').startsWith('libuv-worker');
