/** `Cookie` lines without the named cookies; a line that held nothing else goes. Other cookies stay byte for byte. */
export const stripCookies = (lines: readonly string[], names: readonly string[]): readonly string[] => {
  if (lines.length === 0) return lines;
  return lines.map((line) => stripLine(line, names)).filter((line) => line !== '');
};

const stripLine = (line: string, names: readonly string[]): string => {
  if (!names.some((name) => line.includes(name))) return line;
  const kept = line.split(';').filter((pair) => !names.includes(nameOf(pair)));
  return kept.join(';').trim();
};

/** RFC 6265 §5.2 reads a pair without `=` as a name by itself or as a value; either way it is no value of ours. */
const nameOf = (pair: string): string => {
  const equals = pair.indexOf('=');
  return (equals < 0 ? pair : pair.slice(0, equals)).trim();
};
