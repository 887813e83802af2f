import { type DeviceId, defaultRealm, type SessionId } from '@sallyport/contract';
import type { RouteShape } from '@sallyport/contract/routes';
import { emailKey, usernameKey } from '@sallyport/kit/identifier';
import type { Accounts, LoginIdentifier, User, UserWithPassword } from '@sallyport/storage/contracts/accounts';
import type { Device } from '@sallyport/storage/contracts/devices';
import type { Effects } from '@sallyport/storage/contracts/effects';
import type { Origin } from '@sallyport/storage/contracts/sessions';
import type { ActContext } from '@sallyport/storage/contracts/store';
import {
  type DeviceFactor,
  type DeviceProof,
  type DeviceVerdict,
  type GuessGuard,
  type LimitAddress,
  type PasswordFactor,
  usernameGuess,
} from '../factors/factor.ts';
import type { NewLogin, StartedSession } from '../tokens/start-session.ts';

/** `disabled` only after a right password; every other failure is one and the same `refused`. */
export type LoginOutcome =
  | ({ readonly kind: 'tokens'; readonly user: User } & StartedSession)
  /** The reason is for audit and metrics; a caller is told one and the same of all. */
  | { readonly kind: 'refused' | 'disabled'; readonly reason: RefusalReason };

export type RefusalReason =
  | 'password'
  | 'locked'
  | 'disabled'
  | 'device_revoked'
  | Extract<DeviceVerdict, { readonly kind: 'refused' }>['reason'];

export interface LoginOptions {
  readonly accounts: Accounts;
  readonly effects: Effects;
  readonly password: PasswordFactor;
  readonly guard: GuessGuard;
  readonly startSession: (login: NewLogin) => Promise<StartedSession>;
  readonly shape: RouteShape;
  /** Where logins come from registered devices alone. */
  readonly devices?: LoginDevices;
}

/** What a login asks of the device that it comes from. */
export interface LoginDevices {
  readonly factor: DeviceFactor;
  /** Counts a proof that was refused, before it is written down: whoever has no device is under no other limit. */
  readonly limitRefused: LimitAddress;
  readonly noteSeen: (deviceId: DeviceId, origin: Origin) => Promise<void>;
  /** Ends a session whose device was revoked while it began. */
  readonly endSession: (sessionId: SessionId, context: ActContext) => Promise<unknown>;
}

export interface LoginRequest {
  readonly identifier: string;
  readonly password: string;
  readonly origin: Origin;
  readonly context: ActContext;
  /** Given wherever `LoginOptions.devices` is. */
  readonly proof?: DeviceProof;
}

/**
 * Starts a session for the right password. Unknown user, wrong password, account without password, locked and disabled account take
 * the same path, cost the same, count the same and answer the same. Where a device has to be proved, that comes first: whoever has no
 * device guesses no password, and locks nobody out.
 */
export const createLogin = (options: LoginOptions): ((request: LoginRequest) => Promise<LoginOutcome>) => {
  const { accounts, password, guard, startSession, shape } = options;
  return async function login({ identifier, password: plain, origin, context, proof }) {
    const proved = await prove(proof, options);
    if (proved?.kind === 'refused') {
      await options.devices?.limitRefused(origin.address);
      return refuse('refused', proved.reason, undefined, context, options);
    }
    const device = proved?.device;
    const user = await findUser(accounts, shape, identifier);
    const isOwner = device === undefined || device.userId === user?.id;
    const judge = async () => {
      const value = await password.verify(user, plain);
      // A right password of a disabled account counts like a wrong one: the limit would tell it otherwise.
      const right = value !== 'wrong' && isOwner && user?.disabledAtMs === undefined;
      return { right, value: isOwner ? value : 'wrong' };
    };
    // From a device of somebody else it is no guess at this account, whatever it is called: the device's own row of failures grows.
    const name = shape.identifier === 'username' ? usernameGuess(identifier) : identifier;
    const guessed = isOwner ? name : `device:${device?.id}`;
    const guess = await guard({ identifier: guessed, address: origin.address, judge });
    if (guess.kind === 'locked') return refuse('refused', 'locked', user, context, options);
    if (user === undefined || guess.value === 'wrong') return refuse('refused', 'password', user, context, options);
    if (user.disabledAtMs !== undefined) return refuse('disabled', 'disabled', user, context, options);
    if (guess.value === 'outdated' && user.passwordHash !== undefined) {
      const newHash = await password.hash(plain);
      await accounts.replacePasswordHash({ userId: user.id, expectedHash: user.passwordHash, newHash });
    }
    if (device !== undefined && proof !== undefined)
      return startOnDevice({ user, proved: { ...proved, device }, label: proof.sessionId, origin, context }, options);
    const started = await startSession({ user, amr: [password.amr], origin, context });
    return { kind: 'tokens', user, ...started };
  };
};

const prove = async (proof: DeviceProof | undefined, { devices }: LoginOptions): Promise<DeviceVerdict | undefined> => {
  if (devices === undefined) return undefined;
  return proof === undefined ? { kind: 'refused', reason: 'device_mac' } : devices.factor.verify(proof);
};

interface DeviceLogin {
  readonly user: User;
  readonly proved: { readonly device: Device; readonly boundKeyThumbprint?: string };
  readonly label: string;
  readonly origin: Origin;
  readonly context: ActContext;
}

/** The device is asked for again when its session stands: whoever revokes it meanwhile finds the session, or is found here. */
const startOnDevice = async (
  { user, proved: { device, boundKeyThumbprint }, label, origin, context }: DeviceLogin,
  { startSession, password, devices, ...options }: LoginOptions,
): Promise<LoginOutcome> => {
  if (devices === undefined) throw new TypeError('a device without what judges it');
  const amr = [password.amr, devices.factor.amr];
  const bound = boundKeyThumbprint !== undefined && { boundKeyThumbprint, proofRequired: device.proofRequired };
  const started = await startSession({ user, amr, origin, context, deviceId: device.id, label, ...bound });
  if (!(await devices.factor.lives(device.id))) {
    await devices.endSession(started.session.id, context);
    return refuse('refused', 'device_revoked', user, context, options);
  }
  await devices.noteSeen(device.id, origin);
  return { kind: 'tokens', user, ...started };
};

/** An identifier of the wrong form is looked up all the same, so that it costs what an unknown one costs. */
const findUser = (accounts: Accounts, shape: RouteShape, identifier: string): Promise<UserWithPassword | undefined> => {
  const key = shape.identifier === 'email' ? emailKey(identifier) : usernameKey(identifier);
  const login: LoginIdentifier = { kind: shape.identifier, key: key ?? '' };
  return accounts.findUserForLogin(defaultRealm, login);
};

const refuse = async (
  kind: 'refused' | 'disabled',
  reason: RefusalReason,
  user: User | undefined,
  context: ActContext,
  { effects }: Pick<LoginOptions, 'effects'>,
): Promise<LoginOutcome> => {
  const known = user && { userId: user.id };
  await effects.appendEffects([{ act: 'login.failed', realmId: defaultRealm, ...known, data: { reason }, context }]);
  return { kind, reason };
};
