import { isRootNeeded, type RootKeyUse, sealedValues } from '@sallyport/auth/maintenance';

const verdict = (root: RootKeyUse): string => {
  if (root.state === 'first') return 'derives and seals';
  if (root.state === 'missing')
    return isRootNeeded(root) ? 'MISSING: give it back to SALLYPORT_ROOT_KEYS' : 'is not held any more';
  return isRootNeeded(root) ? 'is needed' : 'may go';
};

const until = ({ sessionsUntilMs }: RootKeyUse): string =>
  sessionsUntilMs === undefined ? '' : ` (until ${new Date(sessionsUntilMs).toISOString()})`;

const lineOf = (root: RootKeyUse): string => {
  const { kid, sessions, checkpoints } = root;
  const parts = [
    `${sealedValues(root)} sealed values`,
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
