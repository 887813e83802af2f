import type { RemovedRootView, RootView } from '@sallyport/auth/maintenance';

const verdict = (root: RootView): string => {
  if (root.state === 'first') return 'derives and seals';
  if (root.state === 'missing')
    return root.needed ? 'MISSING: give it back to SALLYPORT_ROOT_KEYS' : 'is not held any more';
  return root.needed ? 'is needed' : 'may go';
};

const sealedValues = ({ values }: RootView): number => Object.values(values).reduce((sum, count) => sum + count, 0);

const until = ({ sessions_until: time }: RootView): string => (time === undefined ? '' : ` (until ${time})`);

const lineOf = (root: RootView): string => {
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

export const rootsText = (roots: readonly RootView[]): string =>
  `${roots.map(lineOf).join('')}${roots.length > 1 ? reminder : ''}`;

export const removedRootText = (kid: string, removed: RemovedRootView): string => {
  const { sessions, begun_meanwhile: begun, resealed, unopened } = removed;
  const lines = [
    `Ended ${sessions} sessions of root key ${kid}; sealed ${resealed} values anew.`,
    ...(begun > 0
      ? [
          `${begun} live ones of it are there again: an issuer still has it first. Put the new one first everywhere, and run this again.`,
        ]
      : []),
    ...(unopened > 0
      ? [`${unopened} sealed values cannot be opened with the keys that are held: \`keys roots\` says whose they are.`]
      : []),
    ...(begun === 0 && unopened === 0
      ? [
          `Take ${kid} out of SALLYPORT_ROOT_KEYS on every issuer now, and give subscribers new tokens (\`keys feed\`) where theirs begin with sf1.${kid}.`,
        ]
      : []),
  ];
  return `${lines.join('\n')}\n`;
};
