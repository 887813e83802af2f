const pauseMs = 1000;

/** A line now and then: `12,800 of 1,000,000 (9,431/s)`. @param users undefined: nobody knows how many there will be */
export const createProgress = (
  users: number | undefined,
  output: { write(text: string): unknown },
  elapsedMs: () => number,
): ((done: number) => void) => {
  let last: { readonly atMs: number; readonly done: number } | undefined;
  return (done) => {
    const atMs = elapsedMs();
    last ??= { atMs, done };
    if (done !== users && atMs - last.atMs < pauseMs) return;
    const perSecond = atMs > last.atMs ? Math.round(((done - last.done) * 1000) / (atMs - last.atMs)) : 0;
    last = { atMs, done };
    output.write(
      `${number(done)}${users === undefined ? '' : ` of ${number(users)}`}${perSecond > 0 ? ` (${number(perSecond)}/s)` : ''}\n`,
    );
  };
};

const number = (value: number): string => value.toLocaleString('en-US');
