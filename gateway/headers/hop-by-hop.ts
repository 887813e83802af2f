/** RFC 9110 §7.6.1: fields that belong to one connection, beside those that `Connection` lists. */
export const hopByHop: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

/** The names that `Connection` lines list, lower-case. Empty for the everyday values. */
export const connectionOptions = (lines: readonly string[]): readonly string[] => {
  const [line] = lines;
  if (line === undefined || (lines.length === 1 && /^(?:keep-alive|close)$/i.test(line))) return none;
  return lines.flatMap((text) => text.toLowerCase().split(',')).map((option) => option.trim());
};

const none: readonly string[] = Object.freeze([]);
