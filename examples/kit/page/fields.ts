import type { ApiError } from '@sallyport/client';
import { byId, make } from './element.ts';

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

/** The field that a server's error is about; codes of single members come with `fields`. */
export const namedField = ({ code, body }: ApiError): string | undefined => {
  if (code?.startsWith('password_')) return 'password';
  const fields: unknown = Object(body)['fields'];
  const path: unknown = Array.isArray(fields) ? Object(fields[0])['path'] : undefined;
  return typeof path === 'string' ? path.slice(1) : undefined;
};

/** Every `button.toggle` shows and hides the password that it controls. */
export const wirePasswordToggles = (): void => {
  for (const toggle of document.querySelectorAll<HTMLButtonElement>('button.toggle'))
    toggle.addEventListener('click', () => togglePassword(toggle));
};

const togglePassword = (toggle: HTMLButtonElement): void => {
  const input = byId<HTMLInputElement>(toggle.getAttribute('aria-controls') ?? '');
  const show = input.type === 'password';
  input.type = show ? 'text' : 'password';
  toggle.setAttribute('aria-pressed', String(show));
  toggle.textContent = show ? 'Hide' : 'Show';
};
