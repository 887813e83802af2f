const defaultPage = 100;

/** As the schema has validated it: 1 to 1,000. */
export const limitOf = ({ limit }: Readonly<Record<string, string>>): number =>
  limit === undefined ? defaultPage : Number(limit);
