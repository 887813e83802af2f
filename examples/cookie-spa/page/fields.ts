import { make } from './element.ts';

type Control = HTMLInputElement | HTMLSelectElement;

const errorOf = (control: Control): HTMLElement => {
  const error = document.getElementById(`${control.id}-error`);
  if (error === null) throw new Error(`index.html has no #${control.id}-error`);
  return error;
};

/** Writes the message below the field, ties both together for readers, and marks the field. Further lines become a list. */
export const markInvalid = (control: Control, message: string, more: readonly string[] = []): void => {
  const error = errorOf(control);
  const list = make('ul', {}, ...more.map((text) => make('li', { text })));
  error.replaceChildren(message, ...(more.length > 0 ? [list] : []));
  control.setAttribute('aria-invalid', 'true');
  const described = new Set((control.getAttribute('aria-describedby') ?? '').split(' ').filter(Boolean));
  control.setAttribute('aria-describedby', [...described.add(error.id)].join(' '));
};

export const markValid = (control: Control): void => {
  const error = document.getElementById(`${control.id}-error`);
  error?.replaceChildren();
  control.removeAttribute('aria-invalid');
};

export const controlsOf = (form: HTMLFormElement): readonly Control[] =>
  [...form.elements].filter((each) => each instanceof HTMLInputElement || each instanceof HTMLSelectElement);

/** Marks what is empty and must not be; returns the first such field. */
export const firstMissing = (form: HTMLFormElement): Control | undefined => {
  for (const control of controlsOf(form)) markValid(control);
  const missing = controlsOf(form).filter(({ required, value }) => required && value.trim() === '');
  for (const control of missing) markInvalid(control, 'Please fill this in.');
  return missing[0];
};

/** One submission at a time. The button stays focusable, so that nobody loses their place. */
export const whileBusy = async (form: HTMLFormElement, work: () => Promise<void>): Promise<void> => {
  const button = form.querySelector('button[type="submit"]');
  if (button === null || button.getAttribute('aria-disabled') === 'true') return;
  button.setAttribute('aria-disabled', 'true');
  try {
    await work();
  } finally {
    button.removeAttribute('aria-disabled');
  }
};

/** What was typed, by the names of the fields. */
export const valuesOf = (form: HTMLFormElement): Readonly<Record<string, string>> =>
  Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, typeof value === 'string' ? value : '']));
