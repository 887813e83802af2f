/** One figure of a server's metrics; without labels, or with exactly these. 0 where it has not been counted yet. */
export const readMetric = async (privateUrl: string, name: string, labels = ''): Promise<number> => {
  const text = await (await fetch(`${privateUrl}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name}${labels} `));
  return line === undefined ? 0 : Number(line.split(' ').at(-1));
};
