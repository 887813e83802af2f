import { ApiError, type Credentials, type Devices } from '@sallyport/client';
import { byId, sayStatus } from '@sallyport/example-kit/page/element';
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
import { problemText } from './texts.ts';

export interface DoorOptions {
  readonly devices: Devices;
  /** Logs in with the body of `devices.loginBody`. */
  readonly signIn: (body: unknown) => Promise<unknown>;
  readonly onSignedIn: () => void;
  /** A name to begin with for this device. */
  readonly deviceName: string;
  /** What its owner will see beside the session. */
  readonly deviceInfo: string;
}

const forms = ['login', 'register', 'device'] as const;
type FormName = (typeof forms)[number];
const formOf = (name: FormName): HTMLFormElement => byId<HTMLFormElement>(`${name}-form`);

/** Three forms: log in, create an account, register this device. Returns how to show them anew. */
export const openDoor = (options: DoorOptions): { readonly reset: () => void } => {
  const { devices, signIn, onSignedIn, deviceName, deviceInfo } = options;
  /** Who wants in from a device that is not registered. Held while the form asks for its name, and not longer. */
  let waiting: Credentials | undefined;

  const choose = (which: FormName): void => {
    for (const name of forms) formOf(name).hidden = name !== which;
    if (which !== 'login') byId('why').hidden = true;
    formOf(which).querySelector('h1')?.focus();
  };

  const askForDevice = (credentials: Credentials): void => {
    waiting = credentials;
    byId('device-user').textContent = credentials.username;
    choose('device');
  };

  const logIn = async (credentials: Credentials): Promise<void> => {
    const body = await devices.loginBody(credentials, deviceInfo);
    if (body === undefined) return askForDevice(credentials);
    await signIn(body);
    return onSignedIn();
  };

  const registerAndLogIn = async (credentials: Credentials, name: string): Promise<boolean> => {
    const { isNewUser } = await devices.register(credentials, { deviceName: name });
    await signIn(await devices.loginBody(credentials, deviceInfo));
    waiting = undefined;
    onSignedIn();
    return isNewUser;
  };

  const submissions: Readonly<Record<FormName, (values: Readonly<Record<string, string>>) => Promise<void>>> = {
    login: ({ username = '', password = '' }) => logIn({ username: username.trim(), password }),
    register: async ({ username = '', password = '', device_name = '' }) => {
      const isNew = await registerAndLogIn({ username: username.trim(), password }, device_name.trim());
      sayStatus(
        isNew ? 'Welcome. This device is registered.' : 'You had an account already: this device was added to it.',
      );
    },
    device: async ({ device_name = '' }) => {
      if (waiting === undefined) return choose('login');
      const { username } = waiting;
      const isNew = await registerAndLogIn(waiting, device_name.trim());
      sayStatus(isNew ? `There was no ${username} yet: an account was made.` : 'This device is registered.');
    },
  };

  const submit = async (which: FormName): Promise<void> => {
    const form = formOf(which);
    byId(`${which}-error`).textContent = '';
    byId('login-anew').hidden = true;
    const missing = firstMissing(form);
    if (missing !== undefined) return missing.focus();
    try {
      return await submissions[which](valuesOf(form));
    } catch (error) {
      if (which === 'login' && isRefused(error)) byId('login-anew').hidden = false;
      if (!showAtField(form, error)) byId(`${which}-error`).textContent = refusalText(which, error);
    }
  };

  for (const which of forms) {
    formOf(which).addEventListener('submit', (event) => {
      event.preventDefault();
      void whileBusy(formOf(which), () => submit(which));
    });
  }
  byId('to-register').addEventListener('click', () => choose('register'));
  byId('to-login').addEventListener('click', () => choose('login'));
  byId('device-back').addEventListener('click', () => {
    waiting = undefined;
    choose('login');
  });
  byId('login-anew').addEventListener('click', () => {
    const { username = '', password = '' } = valuesOf(formOf('login'));
    askForDevice({ username: username.trim(), password });
  });
  byId('login-username').addEventListener('change', () => {
    const username = byId<HTMLInputElement>('login-username').value.trim();
    void devices.isRegistered(username).then((known) => {
      byId('login-known').textContent = known ? 'This device is registered for that name.' : '';
    });
  });
  wirePasswordToggles();

  return {
    reset: () => {
      waiting = undefined;
      byId('login-known').textContent = '';
      byId('login-anew').hidden = true;
      for (const name of forms) {
        const form = formOf(name);
        form.reset();
        form.hidden = name !== 'login';
        byId(`${name}-error`).textContent = '';
        for (const control of controlsOf(form)) markValid(control);
      }
      for (const id of ['register-device', 'device-name']) byId<HTMLInputElement>(id).value = deviceName;
    },
  };
};

const isRefused = (error: unknown): boolean => error instanceof ApiError && error.code === 'credentials_invalid';

/** The issuer says the same for all of it, so that nobody learns which one it was. */
const refusalText = (which: FormName, error: unknown): string => {
  if (!isRefused(error)) return problemText(error);
  if (which === 'register') return 'This name is taken, and the password is not the one of its account.';
  if (which === 'device') return problemText(error);
  return 'User name and password do not fit together, or this device has been revoked.';
};

const showAtField = (form: HTMLFormElement, error: unknown): boolean => {
  if (!(error instanceof ApiError)) return false;
  const control = form.elements.namedItem(namedField(error) ?? '');
  if (!(control instanceof HTMLInputElement)) return false;
  markInvalid(control, problemText(error));
  control.focus();
  return true;
};
