import { type DeviceId, defaultRealm, Problem } from '@sallyport/contract';
import type { Clock } from '@sallyport/kit/clock';
import { usernameKey } from '@sallyport/kit/identifier';
import type { Random } from '@sallyport/kit/random';
import type { Accounts, User } from '@sallyport/storage/contracts/accounts';
import type { DeviceCurve, Devices } from '@sallyport/storage/contracts/devices';
import type { Effects } from '@sallyport/storage/contracts/effects';
import type { Origin } from '@sallyport/storage/contracts/sessions';
import type { ActContext } from '@sallyport/storage/contracts/store';
import type { CheckedProof } from '@sallyport/verify';
import type { GuessGuard, LimitAddress, PasswordFactor, PasswordProblem } from '../factors/factor.ts';
import type { KeyProver, PresentedProof } from '../tokens/prove-key.ts';
import { confirmWithinMs } from './confirm-device.ts';
import { exchangeDeviceKey } from './exchange.ts';
import { isUsable } from './shared-secret.ts';

/** What a registration makes of a new user name; the room of registrations decides. */
export type AccountMaker = (
  body: Readonly<Record<string, unknown>>,
  context: ActContext,
) => Promise<
  | { readonly kind: 'registered'; readonly user: User }
  | { readonly kind: 'taken' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'identifier_invalid' }
  | { readonly kind: 'identifier_unseen' }
  | { readonly kind: 'password_refused'; readonly problem: PasswordProblem }
>;

export interface RegisterDeviceOptions {
  readonly accounts: Pick<Accounts, 'findUserForLogin'>;
  readonly devices: Pick<Devices, 'createDevice'>;
  readonly effects: Pick<Effects, 'appendEffects'>;
  readonly makeAccount: AccountMaker;
  readonly password: PasswordFactor;
  readonly guard: GuessGuard;
  /** Of registrations from one address; the maker of accounts asks it by itself. */
  readonly limit: LimitAddress;
  readonly prover: Pick<KeyProver, 'check' | 'spend'>;
  /** Signs with the key of access tokens. */
  readonly sign: (bytes: Buffer) => Promise<Buffer> | Buffer;
  /** 0: no limit. */
  readonly devicesPerUser: number;
  readonly random: Pick<Random, 'uuidv7'>;
  readonly clock: Clock;
}

export interface DeviceRegistration {
  readonly username: string;
  readonly password: string;
  readonly phoneNumber?: string;
  readonly displayName?: string;
  readonly deviceName?: string;
  readonly curve: DeviceCurve;
  readonly clientPublicKey: Uint8Array;
  /** Shows a second key, which sessions of the device are to be bound to. */
  readonly proof?: PresentedProof;
  /** Default with a second key: `required`. */
  readonly refreshProof?: 'required' | 'optional';
  readonly origin: Origin;
  readonly context: ActContext;
}

export type DeviceRegistrationOutcome =
  | {
      readonly kind: 'begun';
      readonly userId: User['id'];
      readonly deviceId: DeviceId;
      readonly serverPublicKey: Buffer;
      readonly serverMac: Buffer;
      readonly serverSignature: Buffer;
      readonly isNewUser: boolean;
    }
  /** Wrong password, locked or disabled account: one and the same. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'key_refused' }
  /** Told to whoever has the password. */
  | { readonly kind: 'too_many'; readonly limit: number }
  | { readonly kind: 'name_refused'; readonly code: 'field_invalid' | 'username_unseen' }
  | { readonly kind: 'proof_refused'; readonly code: 'proof_required' | 'proof_invalid' | 'proof_replayed' }
  | { readonly kind: 'password_refused'; readonly problem: PasswordProblem };

/**
 * The first of two steps: makes the account where the name is new, else asks for its password; then agrees on the device's key. The device
 * cannot log in before its client has answered (`confirm-device.ts`).
 */
export const createRegisterDevice = (
  options: RegisterDeviceOptions,
): ((registration: DeviceRegistration) => Promise<DeviceRegistrationOutcome>) => {
  const { random, clock, devices, sign } = options;
  return async function registerDevice(registration) {
    const { curve, clientPublicKey, username, deviceName } = registration;
    // Before an account is made for it.
    if (!isUsable(curve, clientPublicKey)) return { kind: 'key_refused' };
    const proved = checkProof(registration, options);
    if (proved?.ok === false) return { kind: 'proof_refused', code: proved.code };
    const owner = await countUnlessOwner(() => findOwner(registration, options), registration, options);
    if (owner.kind !== 'owner') return owner;
    // After the password: nobody fills the memory of proofs who has not registered.
    if (proved !== undefined && !(await options.prover.spend(proved.checked)))
      return { kind: 'proof_refused', code: 'proof_replayed' };
    const deviceId = random.uuidv7(clock.nowMs()) as DeviceId;
    const proof = proved && { thumbprint: proved.checked.thumbprint, refresh: proved.refresh };
    const exchanged = exchangeDeviceKey({ curve, clientPublicKey, deviceId, username, ...(proof && { proof }) });
    if (typeof exchanged === 'string') return { kind: 'key_refused' };
    const { deviceKey, transcriptHash, serverPublicKey, serverMac } = exchanged;
    const room = { maxPerUser: options.devicesPerUser, pendingMs: confirmWithinMs };
    const device = {
      id: deviceId,
      realmId: defaultRealm,
      userId: owner.user.id,
      ...(deviceName !== undefined && { name: deviceName }),
      curve,
      deviceKey,
      ...(proof && { proofKeyThumbprint: proof.thumbprint }),
      proofRequired: proof?.refresh === 'required',
      challenge: transcriptHash,
    };
    // Before there is a device: a signer elsewhere may fail.
    const serverSignature = await sign(transcriptHash);
    if (!(await devices.createDevice(device, room))) return { kind: 'too_many', limit: room.maxPerUser };
    const { isNewUser } = owner;
    return { kind: 'begun', userId: owner.user.id, deviceId, serverPublicKey, serverMac, serverSignature, isNewUser };
  };
};

type Proved =
  | { readonly ok: true; readonly checked: CheckedProof; readonly refresh: 'required' | 'optional' }
  | { readonly ok: false; readonly code: 'proof_required' | 'proof_invalid' };

/** Undefined: the device has no second key. */
const checkProof = (
  { proof, refreshProof }: DeviceRegistration,
  { prover }: RegisterDeviceOptions,
): Proved | undefined => {
  if (proof === undefined) return refreshProof === undefined ? undefined : { ok: false, code: 'proof_required' };
  const checked = prover.check(proof);
  return checked.ok ? { ok: true, checked, refresh: refreshProof ?? 'required' } : { ok: false, code: 'proof_invalid' };
};

type Owner =
  | { readonly kind: 'owner'; readonly user: User; readonly isNewUser: boolean }
  | Extract<DeviceRegistrationOutcome, { kind: 'refused' | 'name_refused' | 'password_refused' }>;

/**
 * A name that is taken asks for its password, and a free one has the password judged for its worth: either refusal tells who has an account.
 * So each of them counts as a registration of the address does, and beyond that limit they are one answer.
 */
const countUnlessOwner = async (
  find: () => Promise<Owner>,
  { origin }: DeviceRegistration,
  { limit }: RegisterDeviceOptions,
): Promise<Owner> => {
  const owner = await find().catch(async (error: unknown) => {
    if (error instanceof Problem && error.code === 'rate_limited') await limit(origin.address);
    throw error;
  });
  if (owner.kind === 'refused' || owner.kind === 'password_refused') await limit(origin.address);
  return owner;
};

const findOwner = async (registration: DeviceRegistration, options: RegisterDeviceOptions): Promise<Owner> => {
  if (await isKnown(registration.username, options)) return askPassword(registration, options);
  const { username, password, phoneNumber, displayName, context } = registration;
  const body = { username, password, phone_number: phoneNumber, display_name: displayName };
  const made = await options.makeAccount(body, context);
  switch (made.kind) {
    case 'registered':
      return { kind: 'owner', user: made.user, isNewUser: true };
    case 'taken':
      // Somebody else was faster, or the same person on a second device.
      return askPassword(registration, options);
    case 'password_refused':
      return made;
    case 'missing':
    case 'identifier_invalid':
      return { kind: 'name_refused', code: 'field_invalid' };
    case 'identifier_unseen':
      return { kind: 'name_refused', code: 'username_unseen' };
  }
};

const loginOf = (username: string) => ({ kind: 'username', key: usernameKey(username) ?? '' }) as const;

const isKnown = async (username: string, { accounts }: RegisterDeviceOptions): Promise<boolean> =>
  (await accounts.findUserForLogin(defaultRealm, loginOf(username))) !== undefined;

const askPassword = async (
  { username, password: plain, origin, context }: DeviceRegistration,
  { accounts, password, guard, effects }: RegisterDeviceOptions,
): Promise<Owner> => {
  const user = await accounts.findUserForLogin(defaultRealm, loginOf(username));
  const judge = async () => {
    const right = (await password.verify(user, plain)) !== 'wrong' && user?.disabledAtMs === undefined;
    return { right, value: right };
  };
  // Everybody may guess here, and only who has a device at a login: it is counted apart, or everybody could lock out whom he likes.
  const guess = await guard({
    identifier: `register-device:${usernameKey(username) ?? username}`,
    address: origin.address,
    judge,
  });
  if (guess.kind === 'judged' && guess.value && user !== undefined) return { kind: 'owner', user, isNewUser: false };
  const known = user && { userId: user.id };
  const reason = guess.kind === 'locked' ? 'locked' : 'password';
  await effects.appendEffects([{ act: 'login.failed', realmId: defaultRealm, ...known, data: { reason }, context }]);
  return { kind: 'refused' };
};
