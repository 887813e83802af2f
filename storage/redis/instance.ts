/** What a Redis says of itself, and what it must not be. INFO and not CONFIG: hosted Redis refuses CONFIG. */

/**
 * A counter that Redis throws away to make room is a limit that is gone, and a session somebody logged out. A replica takes no writes, and
 * one that is loading none yet: where a failover goes on, asking again finds the one that does.
 * @throws Error with the reason
 */
export const refuseUnfit = (info: string): void => {
  const policy = fieldOf(info, 'maxmemory_policy');
  if (policy === undefined) throw new Error('does not tell its maxmemory-policy');
  if (policy !== 'noeviction') throw new Error(`has maxmemory-policy ${policy}: it must be noeviction`);
  if (fieldOf(info, 'role') === 'slave') throw new Error('is a replica: it takes no writes');
  if (fieldOf(info, 'loading') === '1') throw new Error('is loading its data');
};

/** Changes with each start of a Redis process: whoever answers under another one may have forgotten something. */
export const runIdOf = (info: string): string => fieldOf(info, 'run_id') ?? '';

/** Asked of a client here. */
interface Asked {
  sendCommand(args: readonly string[]): Promise<unknown>;
}

/** What is lost when Redis crashes, as a sentence; undefined where it is one second at most. */
export const durabilityWarning = async (client: Asked, info: string): Promise<string | undefined> => {
  if (fieldOf(info, 'aof_enabled') === '0')
    return 'Redis has appendonly off: a crash loses every login and refresh since its last snapshot. Set appendonly yes';
  const reply = await client.sendCommand(['CONFIG', 'GET', 'appendfsync']).catch(() => undefined);
  const fsync: unknown = Array.isArray(reply) ? reply[1] : undefined;
  if (fsync === 'no')
    return 'Redis has appendfsync no: a crash of its machine loses some 30 seconds of logins and refreshes. Set appendfsync everysec or always';
  return undefined;
};

const fieldOf = (info: string, name: string): string | undefined => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
