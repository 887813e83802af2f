/**
 * Runs in the empty folder into which the tarballs were installed, against the servers that the installed command line has started: an
 * account, a login by the installed client, and the installed verifier on its token. Prints one JSON object, or fails.
 */
import { createApiClient, createTokenManager, memoryStore } from '@sallyport/client';
import { createAccessTokenVerifier, remoteJwks } from '@sallyport/verify';

const [gateway, issuer, issuerPrivate] = process.argv.slice(2);
const baseUrl = `${gateway}/api/v1`;
const person = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' };

const tokens = createTokenManager({ authUrl: `${baseUrl}/auth`, store: memoryStore() });
await tokens.signIn('register', person);
await tokens.signIn('login', { email: person.email, password: person.password });
const { user } = await createApiClient({ baseUrl, tokens }).get('/users/profile');

const keys = remoteJwks({ url: `${issuer}/.well-known/jwks.json` });
await keys.load();
const verifier = createAccessTokenVerifier({
  issuers: [{ issuer: 'auth-service', audience: 'sallyport', algorithms: ['ES256'], keys }],
});
const accessToken = await tokens.getAccessToken();
const genuine = await verifier.verify(accessToken);
const [head, claims, signature] = accessToken.split('.');
const forged = await verifier.verify([head, claims, signature.split('').reverse().join('')].join('.'));
await tokens.logout();

const metrics = await (await fetch(`${issuerPrivate}/metrics`)).text();
const counted = Object.fromEntries(
  [...metrics.matchAll(/^sallyport_auth_sdk_requests_total\{sdk="(\w+)",version="0\.1"\} (\d+)$/gm)].map(
    ([, sdk, count]) => [sdk, Number(count)],
  ),
);
const seen = {
  node: process.version,
  profile: user?.email,
  verified: genuine.ok && genuine.token.claims.sub === user.id,
  forgedRefused: !forged.ok,
  signedOut: (await tokens.getAccessToken()) === undefined,
  counted,
};
console.log(JSON.stringify(seen));
const isWhole =
  seen.profile === person.email && seen.verified && seen.forgedRefused && seen.signedOut && counted.client >= 2;
process.exitCode = isWhole && counted.verify >= 1 ? 0 : 1;
