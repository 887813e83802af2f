/** A path would have to be joined with the target, and what is signed would no longer be what is sent. */
export const originOnly = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined;
  const { origin, pathname, search, hash } = new URL(text);
  if (pathname === '/' && search === '' && hash === '' && !text.includes('@')) return undefined;
  return `must be an origin such as ${origin}: no path, no query`;
};
