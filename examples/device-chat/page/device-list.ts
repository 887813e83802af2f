import { type ApiClient, ApiError, type Devices, SignedOutError } from '@sallyport/client';
import { byId, make, sayAlert, sayStatus } from '@sallyport/example-kit/page/element';
import { ask } from './ask.ts';
import { deviceNameOf } from './device-name.ts';
import { problemText } from './texts.ts';
import { agoText, dateText } from './times.ts';

interface Device {
  readonly id: string;
  readonly name?: string;
  readonly current: boolean;
  readonly created_at: string;
  readonly last_seen_at?: string;
  readonly address?: string;
  readonly user_agent?: string;
  readonly trusted_until?: string;
  /** It has a second key, and its tokens are worth nothing without. */
  readonly refresh_proof?: 'required' | 'optional';
}

interface Session {
  readonly id: string;
  readonly current: boolean;
  readonly created_at: string;
  readonly last_seen_at: string;
  readonly expires_at: string;
  readonly address?: string;
  readonly user_agent?: string;
  readonly device_id?: string;
}

export interface DeviceListOptions {
  readonly issuer: ApiClient;
  readonly keys: Devices;
  readonly username: () => string;
  readonly now: () => number;
  /** Does what ends the login of this very page, and leaves. */
  readonly leaveBy: (work: () => Promise<unknown>) => Promise<void>;
}

export interface DeviceList {
  load(): Promise<void>;
  clear(): void;
}

const rememberDays = 30;

/** What can log in as this person, and what is logged in: name, remember and revoke the one, end the other. */
export const createDeviceList = ({ issuer, keys, username, now, leaveBy }: DeviceListOptions): DeviceList => {
  let devices: readonly Device[] = [];
  let sessions: readonly Session[] = [];
  /** Rises when somebody leaves: an answer that was asked for by them is shown to nobody else. */
  let turn = 0;
  /** The device whose name is being changed. */
  let renaming: string | undefined;

  const load = async (): Promise<void> => {
    const mine = turn;
    const [one, other] = await Promise.all([issuer.get('/devices'), issuer.get('/sessions')]);
    if (mine !== turn) return;
    devices = one['devices'] as readonly Device[];
    sessions = other['sessions'] as readonly Session[];
    render();
  };

  const render = (): void => {
    byId('device-list').replaceChildren(...currentFirst(devices).map(deviceTile));
    byId('session-list').replaceChildren(...currentFirst(sessions).map(sessionTile));
    byId('revoke-others').hidden = devices.length < 2;
    byId('end-others').hidden = sessions.length < 2;
  };

  /** Acts, shows what is there now, says what was done, and puts the focus where it makes sense. */
  const act = (work: () => Promise<unknown>, said: string, focus: () => HTMLElement | null): void => {
    work()
      .then(load)
      .then(() => {
        sayStatus(said);
        focus()?.focus();
      })
      .catch((error: unknown) => {
        if (error instanceof SignedOutError) return;
        sayAlert(problemText(error));
        // What was shown is not how it is.
        if (error instanceof ApiError && error.status === 404) void load().catch(() => undefined);
      });
  };
  const endOwn = (work: () => Promise<unknown>): void => {
    leaveBy(work).catch((error: unknown) => {
      if (!(error instanceof SignedOutError)) sayAlert(problemText(error));
    });
  };
  const heading = (id: string) => (): HTMLElement => byId(id);
  const inTile = (id: string, part: string) => (): HTMLElement | null =>
    document.querySelector(`#device-${id} ${part}`);

  const revoke = async (device: Device): Promise<void> => {
    const text = device.current
      ? 'This is the one that you are using: you are logged out at once, and have to register it anew to log in from here.'
      : 'Its login ends at once, and it cannot log in any more.';
    if (!(await ask({ title: `Revoke ${nameOf(device)}?`, text, yes: 'Revoke' }))) return;
    const work = (): Promise<unknown> => issuer.delete(`/devices/${device.id}`);
    if (!device.current) return act(work, `Revoked: ${nameOf(device)}.`, heading('devices-name'));
    const name = username();
    return endOwn(async () => {
      await work();
      // It opens nothing any more.
      await keys.forget(name);
    });
  };

  const rename = (device: Device, name: string): void => {
    renaming = undefined;
    if (name === '' || name === device.name) {
      render();
      inTile(device.id, '.rename')()?.focus();
      return;
    }
    act(() => issuer.post(`/devices/${device.id}`, { name }), `Now called ${name}.`, inTile(device.id, '.rename'));
  };

  const remember = (device: Device, isOn: boolean): void => {
    const said = isOn ? `Remembered for ${rememberDays} days.` : 'Not remembered any more.';
    const days = isOn ? rememberDays : 0;
    act(
      () => issuer.post(`/devices/${device.id}`, { trusted_for_days: days }),
      said,
      inTile(device.id, '.remember input'),
    );
  };

  const startRename = (device: Device): void => {
    renaming = device.id;
    render();
    document.querySelector<HTMLInputElement>('#rename')?.select();
  };

  const renameForm = (device: Device): HTMLElement => {
    const label = make('label', { class: 'for-readers', text: `New name of ${nameOf(device)}` });
    label.htmlFor = 'rename';
    const input = make('input');
    Object.assign(input, { id: 'rename', value: device.name ?? '', maxLength: 100, autocomplete: 'off' });
    const save = make('button', { class: 'button primary', text: 'Save' });
    const cancel = buttonOf('Cancel', '', () => rename(device, ''));
    const form = make('form', { class: 'rename-form' }, label, input, save, cancel);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      rename(device, input.value.trim());
    });
    form.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') rename(device, '');
    });
    return form;
  };

  const rememberBox = (device: Device): HTMLElement => {
    const box = make('input');
    box.type = 'checkbox';
    box.checked = isTrusted(device, now());
    box.addEventListener('change', () => remember(device, box.checked));
    const until = box.checked ? `(until ${dateText(device.trusted_until ?? '')})` : `for ${rememberDays} days`;
    return make('label', { class: 'remember' }, box, make('span', { text: `Remember this device ${until}` }));
  };

  const deviceTile = (device: Device): HTMLElement => {
    const name = nameOf(device);
    const title = make('h3', { class: 'tile-name', text: name });
    if (device.current) title.append(make('span', { class: 'badge', text: 'This device' }));
    const { last_seen_at: seen, created_at: created } = device;
    const facts = [
      seen === undefined ? 'Never logged in' : `Last login ${agoText(seen, now())}`,
      ...(device.address === undefined ? [] : [`from ${device.address}`]),
      `registered ${dateText(created)}`,
      device.refresh_proof === undefined ? 'its login can be copied' : 'its login is bound to its key',
    ];
    const tile = make('li', { class: device.current ? 'tile current' : 'tile' });
    tile.id = `device-${device.id}`;
    tile.append(
      ...(renaming === device.id ? [renameForm(device)] : [title]),
      make('p', { class: 'quiet-text', text: facts.join(' · ') }),
      ...(device.current ? [rememberBox(device)] : []),
      make(
        'div',
        { class: 'buttons' },
        buttonOf('Rename', `Rename ${name}`, () => startRename(device), 'rename'),
        buttonOf('Revoke', `Revoke ${name}`, () => void revoke(device), 'danger'),
      ),
    );
    return tile;
  };

  const endSession = async (session: Session): Promise<void> => {
    const name = sessionName(session);
    const text = session.current
      ? 'This is the one that you are using: you are logged out at once.'
      : 'It is logged out at once. Its device can log in again.';
    if (!(await ask({ title: `End the session of ${name}?`, text, yes: 'End it' }))) return;
    const work = (): Promise<unknown> => issuer.delete(`/sessions/${session.id}`);
    if (session.current) endOwn(work);
    else act(work, `Ended: ${name}.`, heading('sessions-name'));
  };

  const sessionName = ({ device_id, user_agent = '' }: Session): string => {
    const device = devices.find(({ id }) => id === device_id);
    return device === undefined ? deviceNameOf(user_agent) : nameOf(device);
  };

  const sessionTile = (session: Session): HTMLElement => {
    const name = sessionName(session);
    const title = make('h3', { class: 'tile-name', text: name });
    if (session.current) title.append(make('span', { class: 'badge', text: 'This session' }));
    const facts = [
      `Since ${dateText(session.created_at)}`,
      `active ${agoText(session.last_seen_at, now())}`,
      ...(session.address === undefined ? [] : [`from ${session.address}`]),
      `ends by itself ${dateText(session.expires_at)}`,
    ];
    return make(
      'li',
      { class: session.current ? 'tile current' : 'tile' },
      title,
      make('p', { class: 'quiet-text', text: facts.join(' · ') }),
      make(
        'div',
        { class: 'buttons' },
        buttonOf('End', `End the session of ${name}`, () => void endSession(session), 'danger'),
      ),
    );
  };

  const endAll = async (what: 'devices' | 'sessions'): Promise<void> => {
    const isDevices = what === 'devices';
    const question = isDevices
      ? {
          title: 'Revoke all other devices?',
          text: 'None of them can log in any more, and their logins end at once.',
          yes: 'Revoke them',
        }
      : {
          title: 'End all other sessions?',
          text: 'They are logged out at once. Their devices can log in again.',
          yes: 'End them',
        };
    if (!(await ask(question))) return;
    const said = isDevices ? 'This is your only device now.' : 'You are logged in here alone now.';
    act(() => issuer.delete(`/${what}`), said, heading(`${what}-name`));
  };
  byId('revoke-others').addEventListener('click', () => void endAll('devices'));
  byId('end-others').addEventListener('click', () => void endAll('sessions'));

  return {
    load: () => {
      renaming = undefined;
      return load();
    },
    clear: () => {
      turn += 1;
      devices = [];
      sessions = [];
      renaming = undefined;
      render();
    },
  };
};

const currentFirst = <T extends { readonly current: boolean }>(all: readonly T[]): readonly T[] =>
  [...all].sort((a, b) => Number(b.current) - Number(a.current));

const nameOf = ({ name, user_agent = '' }: Device): string => name ?? deviceNameOf(user_agent);

const isTrusted = ({ trusted_until }: Device, now: number): boolean =>
  trusted_until !== undefined && Date.parse(trusted_until) > now;

const buttonOf = (text: string, label: string, onClick: () => void, kind = ''): HTMLElement => {
  const button = make('button', { class: `button ${kind}`.trim(), text, ...(label !== '' && { label }) });
  button.type = 'button';
  button.addEventListener('click', onClick);
  return button;
};
