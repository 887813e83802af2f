/** Where arrows run: along a row, from column to column, or down a column to the next part. Pure. */
import type { Arrow, Part, Picture } from './description.ts';

export const box = { width: 204, height: 104 } as const;
/** Where an arrow says something between two columns it needs room for it. */
const gap = { width: 168, narrow: 72, height: 50 } as const;
const margin = 18;
const mostSideStep = 22;
const trackStep = 10;
/** From a part's left side to a line that leads down or up. */
const downAt = 28;

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Route {
  readonly arrow: Arrow;
  /** From the part that the arrow leaves to the one that it ends at. */
  readonly points: readonly Point[];
  /** Where its words end (`end`) or begin (`start`), and the room that they have. */
  readonly words: Point & { readonly anchor: 'start' | 'end'; readonly room: number };
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly routes: readonly Route[];
  /** Of a part's box, above and to the left. */
  cornerOf(part: Part): Point;
}

export const layoutOf = ({ parts, arrows }: Picture): Layout => {
  const columnOf = new Map(parts.map(({ id, at }) => [id, at[0]]));
  const columns = Math.max(...columnOf.values()) + 1;
  const left = [margin];
  for (let column = 1; column < columns; column += 1) {
    const isTold = arrows.some(({ from, to, says }) => {
      const between = [columnOf.get(from) ?? 0, columnOf.get(to) ?? 0];
      return says !== undefined && Math.max(...between) === column && Math.min(...between) < column;
    });
    left.push((left[column - 1] ?? 0) + box.width + (isTold ? gap.width : gap.narrow));
  }
  const cornerOf = ({ at: [column, row] }: Part): Point => ({
    x: left[column] ?? margin,
    y: margin + row * (box.height + gap.height),
  });
  return {
    width: (left.at(-1) ?? margin) + box.width + margin,
    height: Math.max(...parts.map((part) => cornerOf(part).y)) + box.height + margin,
    routes: routesOf({ parts, arrows }, cornerOf),
    cornerOf,
  };
};

type CornerOf = Layout['cornerOf'];

interface Across {
  readonly arrow: Arrow;
  readonly left: Part;
  readonly right: Part;
}

const routesOf = ({ parts, arrows }: Pick<Picture, 'parts' | 'arrows'>, cornerOf: CornerOf): readonly Route[] => {
  const byId = new Map(parts.map((part) => [part.id, part]));
  const across: Across[] = [];
  const routes: Route[] = [];
  for (const arrow of arrows) {
    const [from, to] = [byId.get(arrow.from), byId.get(arrow.to)];
    if (from === undefined || to === undefined) throw new Error(`an arrow of ${arrow.from} leads nowhere`);
    if (from.at[0] === to.at[0]) routes.push(down(arrow, cornerOf(from), cornerOf(to)));
    else across.push(from.at[0] < to.at[0] ? { arrow, left: from, right: to } : { arrow, left: to, right: from });
  }
  return [...routes, ...across.map((one) => along(one, across, cornerOf))];
};

/** Words stand to the right of the line, as far as the part is wide. */
const down = (arrow: Arrow, from: Point, to: Point): Route => {
  const isUp = from.y > to.y;
  const x = from.x + downAt;
  const start = { x, y: from.y + (isUp ? 0 : box.height) };
  const end = { x, y: to.y + (isUp ? box.height : 0) };
  const y = (start.y + end.y) / 2 + 4;
  return { arrow, points: [start, end], words: { x: x + 8, y, anchor: 'start', room: box.width - downAt - 8 } };
};

/** Ends on one side stand below each other in the order of what they lead to, so that no two lines cross. */
const placeOn = (side: readonly Across[], one: Across, other: 'left' | 'right'): number => {
  const order = side.toSorted((a, b) => a[other].at[1] - b[other].at[1]);
  const step = Math.min(mostSideStep, (box.height - 16) / Math.max(1, side.length - 1));
  return (order.indexOf(one) - (side.length - 1) / 2) * step;
};

/** Out of the right side, along a track of its own, and into the left side; an arrow that leads left has its head there. */
const along = (one: Across, all: readonly Across[], cornerOf: CornerOf): Route => {
  const { arrow, left, right } = one;
  const middleOf = (part: Part): number => cornerOf(part).y + box.height / 2;
  const leaving = all.filter((other) => other.left === left);
  const start = { x: cornerOf(left).x + box.width, y: middleOf(left) + placeOn(leaving, one, 'right') };
  const entering = all.filter((other) => other.right === right);
  const end = { x: cornerOf(right).x, y: middleOf(right) + placeOn(entering, one, 'left') };
  const trackAt = (track: number): number => start.x + 16 + track * trackStep;
  const track = trackAt(trackOf(one, leaving));
  const corners =
    start.y === end.y
      ? []
      : [
          { ...start, x: track },
          { ...end, x: track },
        ];
  const points = [start, ...corners, end];
  const room = end.x - 12 - trackAt(leaving.length - 1) - 4;
  const words = { x: end.x - 12, y: end.y - 6, anchor: 'end', room } as const;
  return { arrow, points: arrow.from === left.id ? points : points.toReversed(), words };
};

/** Of those that go down, the lowest turns first; of those that go up, the highest: a line that turned earlier would be crossed. */
const trackOf = (one: Across, leaving: readonly Across[]): number => {
  const order = leaving.toSorted((a, b) => a.right.at[1] - b.right.at[1]);
  const goesDown = one.right.at[1] > one.left.at[1];
  return goesDown ? order.length - 1 - order.indexOf(one) : order.indexOf(one);
};
