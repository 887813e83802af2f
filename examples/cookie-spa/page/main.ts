/**
 * The page: a door (log in, register) and a ledger. The access token lives in this page's memory, the refresh token in a cookie that no
 * script can read; a reload asks the issuer for a new access token by that cookie. Nothing here ever sees or stores a refresh token.
 */
import {
  cookieStore,
  createApiClient,
  createTokenManager,
  type SignedOutCause,
  SignedOutError,
} from '@sallyport/client';
import { byId, sayAlert, sayStatus, showOnly } from '@sallyport/example-kit/page/element';
import { openDoor } from './door.ts';
import { createLedger } from './ledger.ts';
import { signedOutText } from './texts.ts';

const views = ['loading', 'offline', 'door', 'ledger'] as const;
const checkEveryMs = 30_000;
const authUrl = document.querySelector<HTMLMetaElement>('meta[name="auth-url"]')?.content ?? '';

const tokens = createTokenManager({
  authUrl,
  refreshPath: 'refresh-token',
  transport: 'cookie',
  store: cookieStore(),
  onSignedOut: showSignedOut,
  onSignedIn: () => void enter(),
});
const issuer = createApiClient({ baseUrl: authUrl, tokens });
const ledger = createLedger(createApiClient({ baseUrl: location.origin, tokens }), () => new Date());
const door = openDoor({ signIn: tokens.signIn, onSignedIn: () => void enter() });

const show = (view: (typeof views)[number]): void => showOnly(view, views);

/** Rises with each login and each end of one: what was asked for before shows nothing any more. */
let visits = 0;

/** On load, after a login here or in another tab, and again when a server did not answer. */
async function enter(): Promise<void> {
  visits += 1;
  const mine = visits;
  try {
    const token = await tokens.getAccessToken();
    if (mine !== visits) return;
    if (token === undefined) return showDoor();
    const { user } = await issuer.get('/me');
    if (mine !== visits) return;
    const { first_name, last_name } = user as Readonly<Record<string, string>>;
    byId('account-name').textContent = `${first_name} ${last_name}`;
    await ledger.open();
    if (mine === visits) showLedger();
  } catch (error) {
    if (mine !== visits) return;
    // Its own message has been shown: `onSignedOut`.
    if (error instanceof SignedOutError) return showDoor();
    show('offline');
    byId('account').hidden = true;
    byId('retry').focus();
  }
}

function showLedger(): void {
  const fromDoor = !byId('door').hidden;
  show('ledger');
  byId('account').hidden = false;
  sayStatus('');
  // Who has just sent a form would otherwise be nowhere.
  if (fromDoor) byId('month-name').focus();
}

function showDoor(): void {
  ledger.close();
  byId('account').hidden = true;
  if (!byId('door').hidden) return;
  door.reset();
  show('door');
}

function showSignedOut(cause: SignedOutCause): void {
  visits += 1;
  showDoor();
  if (cause === 'signed_out') sayStatus(signedOutText(cause));
  else sayAlert(signedOutText(cause));
}

async function logOut(): Promise<void> {
  const told = await tokens.logout();
  byId('login-form').querySelector('h1')?.focus();
  if (!told) sayAlert('You have logged out here. The server did not answer; it will be told as soon as it does.');
}

byId('logout').addEventListener('click', () => void logOut());
byId('retry').addEventListener('click', () => void enter());
addEventListener('online', () => {
  if (!byId('offline').hidden) void enter();
});
// Early and out of sight, so that no click has to wait for it.
const check = (): void => {
  if (document.visibilityState === 'visible') void tokens.checkAndRefresh();
};
setInterval(check, checkEveryMs);
document.addEventListener('visibilitychange', check);

void enter();
