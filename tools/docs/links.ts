/** Links of a Markdown page: which there are, and what becomes of them on the site. Pure but for the questions that it asks. */
import { posix } from 'node:path';

export interface Target {
  /** Path in the repository; undefined: elsewhere in the web. */
  readonly path: string | undefined;
  /** Without `#`; empty where there is none. */
  readonly anchor: string;
}

/**
 * A fenced block, a link, or code within a line, whichever begins first: code tells of links and has none, and a link may have code in its
 * words.
 */
const parts =
  /(?<block>^ *```[\s\S]*?^ *```$)|(?<open>!?\[(?:[^[\]]|\[[^\]]*\])*\]\()(?<given>[^()\s]+)\)|(?<code>`[^`\n]*`)/gm;

const eachLink = (text: string, change: (whole: string, open: string, given: string) => string): string =>
  text.replaceAll(parts, (whole: string, ...rest) => {
    const { open, given } = rest.at(-1) as { readonly open?: string; readonly given?: string };
    return open === undefined || given === undefined ? whole : change(whole, open, given);
  });

const targetOf = (source: string, given: string): Target => {
  if (/^[a-z]+:/.test(given)) return { path: undefined, anchor: '' };
  const [path = '', anchor = ''] = given.split('#');
  return { path: path === '' ? source : posix.normalize(posix.join(posix.dirname(source), path)), anchor };
};

export const targetsOf = (source: string, text: string): readonly Target[] => {
  const found: Target[] = [];
  eachLink(text, (whole, _open, given) => {
    found.push(targetOf(source, given));
    return whole;
  });
  return found.filter(({ path }) => path !== undefined);
};

/** Every link with its new address; `undefined`: what it names is not on the site, and its words stay without a link. */
export const relinked = (
  source: string,
  text: string,
  addressOf: (target: Target & { readonly path: string }) => string | undefined,
): string =>
  eachLink(text, (whole, open, given) => {
    const { path, anchor } = targetOf(source, given);
    if (path === undefined) return whole;
    const address = addressOf({ path, anchor });
    return address === undefined ? open.replace(/^!?\[/, '').replace(/\]\($/, '') : `${open}${address})`;
  });

/** The anchor of a heading, as the hosts of repositories make it; the site is told to make the same. */
export const anchorOf = (heading: string): string =>
  heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

export const anchorsOf = (text: string): ReadonlySet<string> => {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = anchorOf(heading);
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    anchors.add(times === 0 ? anchor : `${anchor}-${times}`);
  }
  return anchors;
};
