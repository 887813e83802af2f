/** What is asked of a client here. */
interface Asked {
  info(section: string): Promise<string>;
}

/**
 * A counter that Redis throws away to make room is a limit that is gone. INFO and not CONFIG: hosted Redis refuses CONFIG.
 * @throws Error where the policy is another than noeviction, or cannot be read
 */
export const refuseEviction = async (client: Asked): Promise<void> => {
  const policy = /^maxmemory_policy:(\S+)/m.exec(await client.info('memory'))?.[1];
  if (policy === undefined) throw new Error('does not tell its maxmemory-policy');
  if (policy !== 'noeviction') throw new Error(`has maxmemory-policy ${policy}: it must be noeviction`);
};
