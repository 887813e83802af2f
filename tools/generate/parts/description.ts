/**
 * The picture of an example's parts, as data: `examples/<preset>/parts.json` says where each stands and what goes between them. Names and ports
 * of servers are those that the supervisor starts, so that a picture cannot tell of others.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Part {
  readonly id: string;
  /** `server`: started by `npm start`; `outside`: somebody else's. */
  readonly kind: 'server' | 'outside';
  readonly title: string;
  readonly port?: number;
  /** At most two, below the title. */
  readonly lines: readonly string[];
  /** Where it keeps what outlives it. */
  readonly keeps?: string;
  /** Column and row of the grid; halves are possible. */
  readonly at: readonly [number, number];
}

export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly says?: string;
  /** Goes without being asked: events, revocations, keys. */
  readonly dashed?: boolean;
}

export interface Picture {
  readonly title: string;
  readonly parts: readonly Part[];
  readonly arrows: readonly Arrow[];
}

interface Described {
  readonly title: string;
  readonly servers: Readonly<Record<string, Pick<Part, 'lines' | 'keeps' | 'at'>>>;
  readonly others: readonly Part[];
  readonly arrows: readonly Arrow[];
}

export interface Server {
  readonly name: string;
  readonly title: string;
  readonly port: number;
}

/** Whatever the supervisor can start has a picture. */
export const presetsWithExamples = (root: string): readonly string[] =>
  globSync('*/servers.json', { cwd: join(root, 'examples') })
    .map((file) => dirname(file))
    .sort();

export const serversOf = (root: string, preset: string): readonly Server[] =>
  (read(root, preset, 'servers.json') as { readonly servers: readonly Server[] }).servers;

/** @throws Error where a server has no place, a place has no server, or an arrow leads nowhere */
export const pictureOf = (servers: readonly Server[], described: Described): Picture => {
  const unknown = Object.keys(described.servers).filter((name) => servers.every((server) => server.name !== name));
  if (unknown.length > 0) throw new Error(`parts.json places ${unknown.join(', ')}, which servers.json does not start`);
  const parts = servers.map(({ name, title, port }): Part => {
    const place = described.servers[name];
    if (place === undefined) throw new Error(`parts.json has no place for ${name}, which servers.json starts`);
    return { id: name, kind: 'server', title, port, ...place };
  });
  const all = [...parts, ...described.others];
  for (const end of described.arrows.flatMap(({ from, to }) => [from, to]))
    if (all.every(({ id }) => id !== end)) throw new Error(`an arrow names ${end}, which is no part`);
  return { title: described.title, parts: all, arrows: described.arrows };
};

export const readPicture = (root: string, preset: string): Picture =>
  pictureOf(serversOf(root, preset), read(root, preset, 'parts.json') as Described);

const read = (root: string, preset: string, file: string): unknown =>
  JSON.parse(readFileSync(join(root, 'examples', preset, file), 'utf8'));
