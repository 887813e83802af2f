import type { RootKeyUse } from '@sallyport/auth/maintenance';

const valuesOf = ({ values }: RootKeyUse): number => Object.values(values).reduce((sum, count) => sum + count, 0);

/** Without it people are logged out, or something that is sealed is lost. What it has signed of the audit is said, and decides nothing. */
const isNeeded = (root: RootKeyUse): boolean => valuesOf(root) > 0 || root.sessions > 0;

const verdict = (root: RootKeyUse): string => {
  if (root.state === 'first') return 'derives and seals';
  if (root.state === 'missing')
    return isNeeded(root) ? 'MISSING: give it back to SALLYPORT_ROOT_KEYS' : 'is not held any more';
  return isNeeded(root) ? 'is needed' : 'may go';
};

const until = ({ sessionsUntilMs }: RootKeyUse): string =>
  sessionsUntilMs === undefined ? '' : ` (until ${new Date(sessionsUntilMs).toISOString()})`;

const lineOf = (root: RootKeyUse): string => {
  const { kid, sessions, checkpoints } = root;
  const parts = [
    `${valuesOf(root)} sealed values`,
    `${sessions} sessions${until(root)}`,
    `${checkpoints} audit checkpoints`,
  ];
  return `${kid.padEnd(6)}${verdict(root)}: ${parts.join(', ')}\n`;
};

/** Not seen in a store, and lost with the key. */
const reminder = `Before a key goes: tokens of the revocation feed that begin with sf1.<its id> are refused without it (\`keys feed\` prints new
ones), and so is what \`audit verify\` can say of records of its time.
`;

export const rootsText = (roots: readonly RootKeyUse[]): string =>
  `${roots.map(lineOf).join('')}${roots.length > 1 ? reminder : ''}`;

export const rootView = (root: RootKeyUse) => ({
  ...{ kid: root.kid, state: root.state, needed: isNeeded(root), values: root.values, sessions: root.sessions },
  ...(root.sessionsUntilMs !== undefined && { sessions_until: new Date(root.sessionsUntilMs).toISOString() }),
  checkpoints: root.checkpoints,
});
