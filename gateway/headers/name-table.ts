import { foldName } from './reserved.ts';

/** Names that one deployment sees are few; beyond this many spellings the work is done anew each time. */
const rememberedNames = 1024;
/** A longer name is hardly sent twice. */
const longestRemembered = 64;

/** What is to be done with a header, found by its name in whatever spelling. */
export interface NamedHeader<Kind> {
  readonly lower: string;
  readonly kind: Kind;
}

/**
 * Classifies header names and remembers the verdict by spelling. A name in a foreign spelling (`x_forwarded_for`) has the
 * kind that `ofForeign` gives the folded name, so that nobody reads it as the real one.
 */
export const createNameTable = <Kind>(
  kindOf: (folded: string) => Kind | undefined,
  ofForeign: (kind: Kind) => Kind,
  other: Kind,
): ((name: string) => NamedHeader<Kind>) => {
  const known = new Map<string, NamedHeader<Kind>>();
  const classify = (name: string): NamedHeader<Kind> => {
    const lower = name.toLowerCase();
    const folded = foldName(name);
    const kind = kindOf(folded);
    if (kind === undefined) return { lower, kind: other };
    return { lower, kind: lower === folded ? kind : ofForeign(kind) };
  };
  return (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const classified = classify(name);
    // Bounded: a client that invents names fills the table once and is classified anew afterwards.
    if (known.size < rememberedNames && name.length <= longestRemembered) known.set(name, classified);
    return classified;
  };
};
