/**
 * The page: a door (log in, create an account, register this device), rooms with their messages, and the devices of whoever is in. How it
 * lives with its session is all here; the work is in `@sallyport/client`. The device's keys never meet a script: IndexedDB holds them as
 * CryptoKeys that can sign and not be read. The tokens are in localStorage, as the contract of this preset has it, and bound to the second
 * key: copied, they are worth nothing.
 */
import {
  createApiClient,
  createDevices,
  createTokenManager,
  indexedDbDeviceStore,
  localStorageStore,
  type SignedOutCause,
  SignedOutError,
} from '@sallyport/client';
import { openProofKey } from '@sallyport/client/proof-key';
import { byId, sayAlert, sayStatus, showOnly } from '@sallyport/example-kit/page/element';
import { wireAsk } from './ask.ts';
import { createConversation } from './conversation.ts';
import { createDeviceList } from './device-list.ts';
import { deviceNameOf } from './device-name.ts';
import { openDoor } from './door.ts';
import { paintFace } from './faces.ts';
import { forgetLeaving, isLeaving, noteLeaving } from './leaving.ts';
import { createLive, type LiveState } from './live.ts';
import { type Place, placeOf } from './places.ts';
import { createRoomList } from './room-list.ts';
import { problemText, whySignedOut } from './texts.ts';

const views = ['loading', 'offline', 'door', 'welcome', 'room', 'stranger', 'devices'] as const;
type View = (typeof views)[number];

const checkEveryMs = 30_000;
/** Out of sight for longer, a connection may have died without a word: phones put pages to sleep. */
const sleptMs = 20_000;
const told = (name: string): string => document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? '';
const [authUrl, chatUrl] = [told('auth-url'), told('chat-url')];
const now = (): number => Date.now();

const keyStore = indexedDbDeviceStore();
const proofKey = openProofKey(keyStore);
const keys = createDevices({ authUrl, store: keyStore, proofKey });
const tokens = createTokenManager({
  authUrl,
  store: localStorageStore(),
  proofKey,
  onSignedOut: showSignedOut,
  onSignedIn: () => void enter(),
});
const issuer = createApiClient({ baseUrl: authUrl, tokens });
const chat = createApiClient({ baseUrl: chatUrl, tokens });

let me = { userId: '', username: '' };
/** Rises with each login, each end of one and each place: what was asked for before shows nothing any more. */
let visits = 0;
/** The stream has been open in this login: when it is open again, something may have been missed. */
let wasLive = false;
/** And it was away since. */
let wasAway = false;

const door = openDoor({
  devices: keys,
  signIn: (body) => tokens.signIn('login', body),
  onSignedIn: () => void enter(),
  deviceName: deviceNameOf(navigator.userAgent),
  deviceInfo: deviceNameOf(navigator.userAgent),
});
const rooms = createRoomList({ chat, onChange: nameWindow });
const conversation = createConversation({ chat, now, onLeft: () => void leaveRoom() });
const devices = createDeviceList({ issuer, keys, username: () => me.username, now, leaveBy });
const live = createLive({
  chatUrl,
  tokens,
  probe: () => chat.get('/rooms'),
  onMessage: (roomId, message) => {
    conversation.receive(roomId, message);
    if (message.user_id !== me.userId) rooms.note(roomId);
  },
  onState: showLink,
});

function show(view: View): void {
  const isIn = view !== 'door' && view !== 'loading' && view !== 'offline';
  byId('side').hidden = !isIn;
  showOnly(view, views);
  // Which half a narrow screen shows.
  document.body.dataset['pane'] = view === 'welcome' ? 'rooms' : isIn ? 'main' : 'door';
  byId('alert').textContent = '';
}

function nameWindow(): void {
  const unread = rooms.unread();
  document.title = unread > 0 ? `(${unread}) Parley` : 'Parley';
}

/** On load, after a login here or in another tab, and again when a server did not answer. */
async function enter(): Promise<void> {
  visits += 1;
  const mine = visits;
  try {
    const token = await tokens.getAccessToken();
    if (mine !== visits) return;
    if (token === undefined) return showDoor();
    const [{ user }] = await Promise.all([issuer.get('/me'), rooms.load()]);
    if (mine !== visits) return;
    const { id, username } = user as Readonly<Record<string, string>>;
    me = { userId: id ?? '', username: username ?? '' };
    byId('my-name').textContent = me.username;
    paintFace(byId('my-face'), me.userId, me.username);
    byId('why').hidden = true;
    forgetLeaving(localStorage);
    live.start();
    await goToPlace();
  } catch (error) {
    if (mine === visits) showTrouble(error);
  }
}

/** Shows what the address names. */
async function goToPlace(): Promise<void> {
  visits += 1;
  const mine = visits;
  try {
    await showPlace(placeOf(location.hash), mine);
  } catch (error) {
    if (mine === visits) showTrouble(error);
  }
}

async function showPlace(place: Place, mine: number): Promise<void> {
  rooms.select(place.kind === 'room' ? place.roomId : undefined);
  byId('to-devices').toggleAttribute('aria-current', place.kind === 'devices');
  if (place.kind !== 'room') conversation.close();
  if (place.kind === 'rooms') {
    show('welcome');
    return focusHeading(isNarrow() ? 'rooms-name' : 'welcome');
  }
  if (place.kind === 'devices') {
    await devices.load();
    if (mine !== visits) return undefined;
    show('devices');
    return focusHeading('devices');
  }
  return goToRoom(place.roomId, mine);
}

async function goToRoom(roomId: string, mine: number): Promise<void> {
  const name = rooms.find(roomId)?.name;
  const opened = name === undefined ? 'stranger' : await conversation.open({ roomId, name }, me.userId);
  if (mine !== visits || opened === 'overtaken') return;
  if (opened === 'stranger') {
    conversation.close();
    byId('stranger-text').textContent = `Whoever knows the id of a room can join it. This one is “${roomId}”.`;
    show('stranger');
    focusHeading('stranger');
    return;
  }
  show('room');
  conversation.arrive();
}

async function join(): Promise<void> {
  const place = placeOf(location.hash);
  if (place.kind !== 'room') return;
  await chat.post('/rooms/join', { room_id: place.roomId });
  await rooms.load();
  await goToPlace();
}

async function leaveRoom(): Promise<void> {
  await rooms.load();
  location.hash = '#/';
}

/** Whoever is in stays in while nobody answers; an ended session has been said by `showSignedOut`. */
function showTrouble(error: unknown): void {
  if (error instanceof SignedOutError) {
    showDoor();
    return;
  }
  show('offline');
  byId('retry').focus();
}

function showDoor(): void {
  live.stop();
  wasLive = false;
  rooms.clear();
  conversation.close();
  devices.clear();
  me = { userId: '', username: '' };
  byId<HTMLDialogElement>('ask').close();
  if (!byId('door').hidden) return;
  door.reset();
  show('door');
}

function showSignedOut(told: SignedOutCause): void {
  visits += 1;
  const cause = told === 'session_revoked' && isLeaving(localStorage, now()) ? 'signed_out_elsewhere' : told;
  showDoor();
  const why = whySignedOut(cause);
  byId('why').hidden = why === undefined;
  byId('why-text').textContent = why?.text ?? '';
  byId('why-advice').textContent = why?.advice ?? '';
  if (why !== undefined) byId('why-name').focus();
  sayStatus(cause === 'signed_out' ? 'You have logged out.' : '');
}

async function logOut(): Promise<void> {
  prepareToLeave();
  const told = await tokens.logout();
  focusHeading('login-form');
  if (!told)
    sayAlert(
      'You have logged out here. The server did not answer: until it ends by itself, the login is still known there.',
    );
}

/** The end of the stream is no news then, and no reason to ask the issuer. */
function prepareToLeave(): void {
  live.stop();
  noteLeaving(localStorage, now());
}

/** Ends this login by another way than a logout: this device is revoked, or this session ended. */
async function leaveBy(work: () => Promise<unknown>): Promise<void> {
  prepareToLeave();
  try {
    await work();
  } catch (error) {
    forgetLeaving(localStorage);
    if (isIn()) live.start();
    throw error;
  }
  await logOut();
}

function showLink(state: LiveState): void {
  const text = { connecting: '', open: '', waiting: 'No connection at the moment. Trying again …' }[state];
  // One try after the other is no news.
  if (state !== 'connecting') byId('link-state').textContent = text;
  document.body.dataset['link'] = state;
  if (state === 'waiting') wasAway = true;
  if (state !== 'open') return;
  if (wasAway && !byId('offline').hidden) void enter();
  wasAway = false;
  if (wasLive) void Promise.all([conversation.catchUp(), rooms.load()]).catch(() => undefined);
  wasLive = true;
}

const isIn = (): boolean => me.userId !== '';
const isNarrow = (): boolean => matchMedia('(max-width: 47.99rem)').matches;

function focusHeading(id: string): void {
  const found = byId(id);
  (found.matches('[tabindex]') ? found : found.querySelector<HTMLElement>('h1'))?.focus();
}

const attempt = (work: () => Promise<void>) => (): void => {
  work().catch((error: unknown) => {
    if (!(error instanceof SignedOutError)) sayAlert(problemText(error));
  });
};

wireAsk();
byId('logout').addEventListener('click', () => void logOut());
byId('retry').addEventListener('click', () => void enter());
byId('join').addEventListener('click', attempt(join));

addEventListener('hashchange', () => {
  if (!isIn()) return;
  // What was said belongs to where it was said.
  sayStatus('');
  void goToPlace();
});
addEventListener('online', () => {
  if (!byId('offline').hidden) void enter();
  live.retry(true);
});
// Early and out of sight, so that no click has to wait for it.
setInterval(() => void tokens.checkAndRefresh(), checkEveryMs);
let hiddenAtMs = 0;
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') {
    hiddenAtMs = performance.now();
    return;
  }
  void tokens.checkAndRefresh();
  const place = placeOf(location.hash);
  if (isIn() && place.kind === 'room') rooms.select(place.roomId);
  live.retry(performance.now() - hiddenAtMs > sleptMs);
});

void enter();
