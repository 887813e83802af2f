import { make } from '@sallyport/example-kit/page/element';

const hues = 8;

/** Always the same one for the same person. The colours are in app.css: the policy lets no script write styles into markup. */
const hueOf = (userId: string): number => {
  let sum = 0;
  for (const character of userId) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return sum % hues;
};

const characters = new Intl.Segmenter();
const initialOf = (name: string): string => {
  const [first] = characters.segment(name.trim());
  return first?.segment.toUpperCase() ?? '?';
};

export const paintFace = (face: HTMLElement, userId: string, name: string): void => {
  face.className = `face hue-${hueOf(userId)}`;
  face.textContent = initialOf(name);
};

/** For eyes only: the name stands beside it. */
export const makeFace = (userId: string, name: string): HTMLElement => {
  const face = make('span', { hidden: 'from-readers' });
  paintFace(face, userId, name);
  return face;
};
