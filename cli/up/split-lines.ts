const lineLimit = 100_000;

/** Calls `take` with each whole line of the chunks; a line without end is cut at a limit. */
export const splitLines = (take: (line: string) => void): ((chunk: Uint8Array) => void) => {
  const decoder = new TextDecoder();
  let rest = '';
  return (chunk) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > lineLimit) {
      lines.push(rest);
      rest = '';
    }
    for (const line of lines) take(line);
  };
};
