/** An example's parts as SVG: readable on light and dark pages, with no font, script or picture from elsewhere. */
import { type Part, type Picture, readPicture } from './description.ts';
import { box, layoutOf, type Point, type Route } from './routes.ts';

/** Of a sans-serif font, on average and generously: words that may not fit are refused rather than drawn over something. */
const charWidth = { title: 9.8, line: 7.6, words: 7.2 } as const;
const mostLines = 2;
const padding = 12;
/** Of the band that says where a server keeps things. */
const bandHeight = 28;

export const partsPicture =
  (root: string, preset: string): (() => string) =>
  () =>
    drawn(readPicture(root, preset));

/** @throws Error where words do not fit */
export const drawn = (picture: Picture): string => {
  const { width, height, routes, cornerOf } = layoutOf(picture);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${escaped(picture.title)}</title>`,
    `<style>${style}</style>`,
    '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto"><path class="head" d="M0 1 9 5 0 9z"/></marker></defs>',
    `<rect class="page" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10"/>`,
    ...routes.map(line),
    ...picture.parts.map((each) => part(each, cornerOf(each))),
    ...routes.map(words),
    '</svg>',
    '',
  ].join('\n');
};

/** Its own ground below it: a page that is dark by a switch, and not by the reader's system, does not turn the colours. */
const style = [
  'text{font:14px system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;fill:#1f2933}',
  '.title{font-size:17px;font-weight:600}.port{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px}',
  '.words{font-size:13px;fill:#3e4c59}.page{fill:#fbfcfd;stroke:#d5dbe1}',
  '.server{fill:#e3eefb;stroke:#3b73b9}.store{fill:#f3efe4;stroke:#98834b}.outside{fill:#fff;stroke:#7b8794;stroke-dasharray:5 4}',
  '.line{fill:none;stroke:#52606d;stroke-width:1.5}.dashed{stroke-dasharray:5 4}.head{fill:#52606d}',
  '@media(prefers-color-scheme:dark){text{fill:#e6ebf0}.words{fill:#b8c4cf}.page{fill:#161b22;stroke:#3a434d}',
  '.server{fill:#1c3350;stroke:#6ea3e0}.store{fill:#35301f;stroke:#c2ab6b}.outside{fill:#1d232b;stroke:#8b98a5}',
  '.line{stroke:#9aa8b5}.head{fill:#9aa8b5}}',
].join('');

const part = ({ id, kind, title, port, lines, keeps }: Part, { x, y }: Point): string => {
  if (lines.length > mostLines) throw new Error(`${id} has more than ${mostLines} lines`);
  const portText = port === undefined ? '' : `:${port}`;
  fits(id, `${title}${portText}`, charWidth.title, box.width - 2 * padding);
  for (const text of [...lines, keeps ?? '']) fits(id, text, charWidth.line, box.width - 2 * padding);
  const rows = lines.map((text, at) => `<text x="${x + padding}" y="${y + 45 + at * 18}">${escaped(text)}</text>`);
  const right = `<text class="port" x="${x + box.width - padding}" y="${y + 24}" text-anchor="end">${portText}</text>`;
  return [
    `<g><rect class="${kind}" x="${x}" y="${y}" width="${box.width}" height="${box.height}" rx="6"/>`,
    ...(keeps === undefined ? [] : [band(keeps, { x, y })]),
    `<text class="title" x="${x + padding}" y="${y + 24}">${escaped(title)}</text>`,
    ...(port === undefined ? [] : [right]),
    ...rows,
    '</g>',
  ].join('');
};

const band = (keeps: string, { x, y }: Point): string => {
  const top = y + box.height - bandHeight;
  const place = `x="${x + 4}" y="${top}" width="${box.width - 8}" height="${bandHeight - 4}" rx="12"`;
  return `<rect class="store" ${place}/><text x="${x + padding}" y="${top + 17}">${escaped(keeps)}</text>`;
};

const line = ({ arrow, points }: Route): string =>
  `<path class="line${arrow.dashed === true ? ' dashed' : ''}" marker-end="url(#head)" d="${points
    .map(({ x, y }, at) => `${at === 0 ? 'M' : 'L'}${x} ${y}`)
    .join('')}"/>`;

const words = ({ arrow: { from, to, says }, words: { x, y, anchor, room } }: Route): string => {
  if (says === undefined) return '';
  fits(`${from} -> ${to}`, says, charWidth.words, room);
  return `<text class="words" x="${x}" y="${y}" text-anchor="${anchor}">${escaped(says)}</text>`;
};

const fits = (where: string, text: string, perChar: number, room: number): void => {
  const most = Math.floor(room / perChar);
  if (text.length > most) throw new Error(`${where}: "${text}" has ${text.length} characters, and room for ${most}`);
};

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
