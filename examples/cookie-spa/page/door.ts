import { ApiError } from '@sallyport/client';
import { byId } from '@sallyport/example-kit/page/element';
import {
  controlsOf,
  firstMissing,
  markInvalid,
  markValid,
  namedField,
  valuesOf,
  whileBusy,
  wirePasswordToggles,
} from '@sallyport/example-kit/page/fields';
import { passwordFeedback } from './password-feedback.ts';
import { problemText } from './texts.ts';

export interface DoorOptions {
  /** Posts to `login` or `register`; what comes back is kept by the token manager. */
  readonly signIn: (path: 'login' | 'register', body: Readonly<Record<string, string>>) => Promise<unknown>;
  readonly onSignedIn: () => void;
}

/** The two forms, log in and register. Returns how to show them anew. */
export const openDoor = ({ signIn, onSignedIn }: DoorOptions): { readonly reset: () => void } => {
  const forms = { login: byId<HTMLFormElement>('login-form'), register: byId<HTMLFormElement>('register-form') };

  const choose = (which: keyof typeof forms): void => {
    for (const [name, form] of Object.entries(forms)) form.hidden = name !== which;
    forms[which].querySelector('h1')?.focus();
  };
  byId('to-register').addEventListener('click', () => choose('register'));
  byId('to-login').addEventListener('click', () => choose('login'));

  for (const which of ['login', 'register'] as const) {
    const form = forms[which];
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void whileBusy(form, () => submit(which, form));
    });
  }
  wirePasswordToggles();

  const submit = async (which: keyof typeof forms, form: HTMLFormElement): Promise<void> => {
    const formError = byId(`${which}-error`);
    formError.textContent = '';
    const missing = firstMissing(form);
    if (missing !== undefined) return missing.focus();
    try {
      await signIn(which, valuesOf(form));
      onSignedIn();
    } catch (error) {
      if (!showAtField(form, error)) formError.textContent = problemText(error);
    }
  };

  return {
    reset: () => {
      for (const [name, form] of Object.entries(forms)) {
        form.reset();
        form.hidden = name !== 'login';
        byId(`${name}-error`).textContent = '';
        for (const control of controlsOf(form)) markValid(control);
      }
    },
  };
};

/** Which field a code is about. */
const fieldOf = (error: ApiError): string | undefined =>
  error.code === 'email_invalid' || error.code === 'account_exists' ? 'email' : namedField(error);

const showAtField = (form: HTMLFormElement, error: unknown): boolean => {
  if (!(error instanceof ApiError)) return false;
  const control = form.elements.namedItem(fieldOf(error) ?? '');
  if (!(control instanceof HTMLInputElement)) return false;
  const { warning, suggestions } = passwordFeedback(error);
  markInvalid(control, warning || problemText(error), suggestions);
  control.focus();
  return true;
};
