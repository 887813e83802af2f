const mostWords = 32;
/** Longer ones make the strength estimate slow, and their parts are in the list as well. */
const longestWord = 40;
/** Shorter ones stand in half of all passwords. */
const shortestWord = 3;
/** Of one thing that is known: a name has at most 100 characters, an address 255. */
const longestText = 255;

/** One spelling for comparison: NFKC, no marks on letters, lower case. */
export const fold = (text: string): string =>
  text.normalize('NFKC').normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();

/** What is known of a person as words: each whole, the parts of an address, its words, and all words of one thing joined. */
export const personalWords = (about: readonly (string | undefined)[]): readonly string[] => {
  const words = about.flatMap((text) => (text === undefined ? [] : wordsOf(fold(text.slice(0, longestText)))));
  const usable = words.filter((word) => word.length >= shortestWord && word.length <= longestWord);
  return [...new Set(usable)].slice(0, mostWords);
};

const wordsOf = (text: string): readonly string[] => {
  const sides = text.split('@');
  const parts = sides.flatMap((side) => [side, ...split(side), split(side).join('')]);
  return [text.trim(), ...parts];
};

const split = (text: string): readonly string[] => text.split(/[^\p{L}\p{N}]+/u).filter((part) => part !== '');
