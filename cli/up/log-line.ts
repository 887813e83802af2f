/** A server's log line as a person reads it. `undefined`: nothing that needs reading now. */
export const readableLogLine = (line: string, verbose: boolean): string | undefined => {
  if (!line.startsWith('{')) return line.trim() === '' ? undefined : line;
  // Asked before it is parsed: under load there are thousands of lines a second, and nearly all of them stay in the file.
  if (!verbose && !/"level":"(?:warn|error|fatal)"/.test(line)) return undefined;
  // Events that are printed have no level.
  const { level = 'event', msg, time: _time, pid: _pid, name: _name, ...rest } = parseLine(line);
  const { err, ...told } = rest;
  const reason = typeof err === 'object' && err !== null && 'message' in err ? `: ${String(err.message)}` : '';
  const members = Object.entries(told).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const text = typeof msg === 'string' ? msg : '';
  return [`${String(level)}: ${text}${reason}`, ...members].join(' ');
};

const parseLine = (line: string): Readonly<Record<string, unknown>> => {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return { level: 'log', msg: line };
  }
};
