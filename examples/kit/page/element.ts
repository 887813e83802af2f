/** Elements, found and made. Text goes in as text: nothing here, or anywhere in the page, parses a string as markup. */

/** The element of index.html with that id. */
export const byId = <T extends HTMLElement = HTMLElement>(id: string): T => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no #${id}`);
  return found as T;
};

export interface MakeOptions {
  readonly class?: string;
  readonly text?: string;
  readonly label?: string;
  readonly hidden?: 'from-readers';
}

export const make = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  options: MakeOptions = {},
  ...children: readonly Node[]
): HTMLElementTagNameMap[K] => {
  const element = document.createElement(tag);
  if (options.class !== undefined) element.className = options.class;
  if (options.text !== undefined) element.textContent = options.text;
  if (options.label !== undefined) element.setAttribute('aria-label', options.label);
  if (options.hidden !== undefined) element.setAttribute('aria-hidden', 'true');
  element.append(...children);
  return element;
};

/** Shows one of the page's views and hides the others. */
export const showOnly = (id: string, views: readonly string[]): void => {
  for (const each of views) byId(each).hidden = each !== id;
};

const statusMs = 8_000;
let clearing: number | undefined;

/** Said politely, when a reader pauses, and shown for a while: what it says can be seen in the page itself as well. */
export const sayStatus = (text: string): void => {
  byId('alert').textContent = '';
  byId('status').textContent = text;
  clearTimeout(clearing);
  clearing = window.setTimeout(() => byId('status').replaceChildren(), statusMs);
};

/** Said at once. Stays until something else is said. */
export const sayAlert = (text: string): void => {
  byId('status').textContent = '';
  byId('alert').textContent = text;
};
