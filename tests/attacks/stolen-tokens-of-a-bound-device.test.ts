/**
 * RFC 9449 and docs/guides/device-proof.md: a device that is registered with a second key has sessions whose tokens are worth nothing without
 * it, at the issuer and at a service that verifies them itself.
 */
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { newProofSigner, type ProofSigner } from '@sallyport/verify/testing/proofs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { sabotagedIssuer } from '../prove/sabotaged-issuer.ts';
import { type DeviceChat, startDeviceChat } from '../testing/device-chat.ts';
import {
  beginDevice,
  loginOnDevice,
  type RegisteredDevice,
  registerDevice,
  type SecondKey,
  usernameOf,
} from '../testing/devices.ts';
import { decodeToken } from '../testing/forge.ts';
import { type Answer, type Call, httpClient } from '../testing/http-client.ts';
import { startIssuer } from '../testing/issuer.ts';
import { newPerson } from '../testing/people.ts';
import { expectProblem } from '../testing/problems.ts';

const publicUrl = 'https://login.example.org';
const chatUrl = 'https://chat.example.org';
const base = '/api/auth';
const refreshUrl = `${publicUrl}${base}/refresh`;

let system: DeviceChat;
let issuer: Call;
let chat: Call;

beforeAll(async () => {
  system = await startDeviceChat({ issuer: { PUBLIC_URL: publicUrl }, chat: { CHAT_PUBLIC_URL: chatUrl } });
  issuer = httpClient(system.issuer.url);
  chat = httpClient(system.chat.url);
});
afterAll(() => system.remove());

interface Owner {
  readonly username: string;
  readonly password: string;
  readonly signer: ProofSigner;
  readonly device: RegisteredDevice;
}

const someone = () => {
  const person = newPerson();
  return { username: usernameOf(person), password: person.password };
};
const secondKey = (
  refreshProof?: 'required' | 'optional',
  signer = newProofSigner(),
): SecondKey & { signer: ProofSigner } => ({
  signer,
  publicUrl,
  ...(refreshProof && { refreshProof }),
});
const newOwner = async (refreshProof?: 'required' | 'optional', at = issuer): Promise<Owner> => {
  const [person, second] = [someone(), secondKey(refreshProof)];
  return { ...person, signer: second.signer, device: await registerDevice(at, person, undefined, undefined, second) };
};
const logIn = ({ device, password, signer }: Owner, proof: string | undefined, at = issuer): Promise<Answer> =>
  loginOnDevice(at, device, password, {}, proof === undefined ? {} : { dpop: proof || signer.prove('POST', loginUrl) });
const loginUrl = `${publicUrl}${base}/login`;

interface Session {
  readonly owner: Owner;
  readonly access: string;
  readonly refresh: string;
}
const newSession = async (refreshProof?: 'required' | 'optional', at = issuer): Promise<Session> => {
  const owner = await newOwner(refreshProof, at);
  const { body } = await logIn(owner, '', at);
  return { owner, access: String(body['access_token']), refresh: String(body['refresh_token']) };
};
const refresh = (token: string, proof?: string, at = issuer): Promise<Answer> =>
  at('POST', `${base}/refresh`, { body: { refresh_token: token }, ...(proof && { headers: { dpop: proof } }) });
const call = (at: Call, method: string, path: string, authorization: string, proof?: string): Promise<Answer> =>
  at(method, path, { headers: { authorization, ...(proof && { dpop: proof }) } });

describe('a device with a second key', () => {
  it('is bound to it by both MACs of its registration: a key that was taken out or put in is found out', async () => {
    const { answer, serverMac } = await beginDevice(issuer, someone(), 'P-256', {}, secondKey('optional'));
    expect(answer.body['server_mac']).toBe(serverMac);
    const [own, put] = [secondKey(), secondKey()];
    const swapped = { ...own, signer: { ...own.signer, prove: put.signer.prove } };
    const other = await beginDevice(issuer, someone(), 'X25519', {}, swapped);
    expect(other.answer.body['server_mac']).not.toBe(other.serverMac);
  });

  it('is not registered with a proof that is missing, wrong or used', async () => {
    const person = someone();
    const begin = (second: SecondKey, extra = {}) => beginDevice(issuer, person, 'X25519', extra, second);
    const { signer } = secondKey();
    const elsewhere = { signer, publicUrl: 'https://evil.example' };
    await expect(begin(elsewhere)).rejects.toThrow('proof_invalid');
    const proof = signer.prove('POST', `${publicUrl}${base}/register-device`);
    const fixed = { publicUrl, signer: { ...signer, prove: () => proof } };
    await begin(fixed);
    await expect(begin(fixed)).rejects.toThrow('proof_replayed');
    await expect(beginDevice(issuer, person, 'X25519', { refresh_proof: 'required' })).rejects.toThrow(
      'proof_required',
    );
  });

  it('logs in with proof alone, where a refresh demands it, and its tokens are bound', async () => {
    const owner = await newOwner();
    const thief = newProofSigner();
    for (const proof of [undefined, thief.prove('POST', loginUrl), owner.signer.prove('POST', refreshUrl), 'nonsense'])
      expectProblem(await logIn(owner, proof), 'credentials_invalid', 'invalid credentials');
    const { body } = await logIn(owner, '');
    expect(body).toMatchObject({ token_type: 'DPoP', refresh_token: expect.any(String) });
    expect(decodeToken(String(body['access_token'])).claims['cnf']).toEqual({ jkt: owner.signer.thumbprint });
  });

  it('may log in without, where a refresh does not demand it, to a session that is bound to nothing', async () => {
    const owner = await newOwner('optional');
    const { body } = await logIn(owner, undefined);
    expect(body['token_type']).toBe('Bearer');
    expect(decodeToken(String(body['access_token'])).claims['cnf']).toBeUndefined();
    expect((await logIn(owner, '')).body['token_type']).toBe('DPoP');
    expectProblem(await logIn(owner, newProofSigner().prove('POST', loginUrl)), 'credentials_invalid');
  });
});

describe('a stolen refresh token', () => {
  it('is refused without its key, changes nothing, and uses up nothing: the owner stays logged in', async () => {
    const { owner, refresh: token } = await newSession();
    const { signer } = owner;
    const thief = newProofSigner();
    const used = signer.prove('POST', refreshUrl);
    expect((await refresh(token, used)).body).toMatchObject({ token_type: 'DPoP' });
    const tries = [
      undefined,
      'nonsense',
      thief.prove('POST', refreshUrl),
      signer.prove('GET', refreshUrl),
      signer.prove('POST', loginUrl),
      signer.prove('POST', `https://evil.example${base}/refresh`),
      signer.prove('POST', refreshUrl, undefined, { iat: Math.floor(Date.now() / 1000) - 3600 }),
      used,
    ];
    // Twice as often as a device may refresh in an hour.
    for (const proof of [...tries, ...tries, ...tries]) {
      const answer = await refresh(token, proof);
      expectProblem(answer, 'proof_required', 'invalid refresh token');
      expect(answer.headers['www-authenticate']).toContain('DPoP');
    }
    await system.issuer.waitForLine(({ msg }) => msg === 'a refresh token came without its key');
    const { status, body } = await refresh(token, signer.prove('POST', refreshUrl));
    expect(status).toBe(200);
    expect(decodeToken(String(body['access_token'])).claims['cnf']).toEqual({ jkt: signer.thumbprint });
  });

  it('is good where the issuer does not ask for the key, so that the test above can fail', async () => {
    const careless = sabotagedIssuer({
      file: 'tokens/rotation.ts',
      find: "if (session.proofRequired && presented.holderKey !== 'proved')",
      replace: 'if (session.proofRequired && presented.generation < 0)',
    });
    const { folder } = system;
    const twin = await startIssuer({ PUBLIC_URL: publicUrl }, folder, pathToFileURL(careless.entry).href);
    onTestFinished(async () => {
      await twin.stop();
      careless.remove();
    });
    const { refresh: token } = await newSession();
    expect((await refresh(token, undefined, httpClient(twin.url))).status).toBe(200);
  });

  it('brings, where no key is demanded, tokens that need it all the same', async () => {
    const { owner, refresh: token } = await newSession('optional');
    const { body } = await refresh(token);
    expect(body['token_type']).toBe('DPoP');
    const bearer = `Bearer ${String(body['access_token'])}`;
    expectProblem(await call(issuer, 'GET', `${base}/me`, bearer), 'proof_required');
    // Sent and wrong: the owner's clock, or somebody else. Neither is to be called a thief.
    expectProblem(await refresh(token, newProofSigner().prove('POST', refreshUrl)), 'proof_required');
    expect((await refresh(token, owner.signer.prove('POST', refreshUrl))).status).toBe(200);
  });
});

describe('a proof', () => {
  it('serves once: in parallel at two issuers, in sequence, and after a restart; and tells a late holder from a thief', async () => {
    const { folder } = system;
    const second = await startIssuer({ PUBLIC_URL: publicUrl }, folder);
    onTestFinished(() => second.stop());
    const { owner, refresh: token } = await newSession();
    const proof = owner.signer.prove('POST', refreshUrl);
    const calls = [issuer, httpClient(second.url)];
    const answers = await Promise.all(Array.from({ length: 12 }, (_, turn) => refresh(token, proof, calls[turn % 2])));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers) if (answer.status !== 200) expectProblem(answer, 'proof_required');
    expectProblem(await refresh(token, proof), 'proof_required');
    await second.stop();
    // The same store by other settings, to spare a start: tokens are replaced at each use, and none is good for longer.
    const settings = { PUBLIC_URL: publicUrl, REFRESH_ROTATION: 'on', REFRESH_OVERLAP_SECONDS: '0' };
    const third = await startIssuer(settings, folder);
    onTestFinished(() => third.stop());
    const at = httpClient(third.url);
    expectProblem(await refresh(token, proof, at), 'proof_required');
    expect((await refresh(token, owner.signer.prove('POST', refreshUrl), at)).status).toBe(200);
    await tellsHoldersFromThieves(at);
  });

  /** Of a predecessor that comes late. */
  const tellsHoldersFromThieves = async (at: Call): Promise<void> => {
    const { owner, refresh: first } = await newSession('optional', at);
    const prove = (): string => owner.signer.prove('POST', refreshUrl);
    const second = String((await refresh(first, prove(), at)).body['refresh_token']);
    expect((await refresh(first, prove(), at)).body['refresh_token']).toBe(second);
    expectProblem(await refresh(first, newProofSigner().prove('POST', refreshUrl), at), 'proof_required');
    expect((await refresh(second, undefined, at)).status).toBe(200);
    expectProblem(await refresh(second, undefined, at), 'refresh_reused');
  };
});

describe('a stolen access token', () => {
  const isRefusedAt = async ({ owner, access }: Session, method: string, path: string): Promise<void> => {
    const prove = (at = publicUrl + path, token = access): string => owner.signer.prove(method, at, token);
    const dpop = (proof?: string) => call(issuer, method, path, `DPoP ${access}`, proof);
    expectProblem(await call(issuer, method, path, `Bearer ${access}`), 'proof_required');
    expectProblem(await call(issuer, method, path, `Bearer ${access}`, prove()), 'proof_required');
    expectProblem(await dpop(), 'proof_required');
    const thiefs = newProofSigner().prove(method, publicUrl + path, access);
    for (const proof of [thiefs, prove(refreshUrl), prove(undefined, 'x')])
      expectProblem(await dpop(proof), 'proof_invalid');
    const proof = prove();
    expect((await dpop(proof)).status).toBe(200);
    // Its session may have ended by this very request.
    expect((await dpop(proof)).body['code']).toMatch(/^(?:proof_replayed|token_revoked|token_stale)$/);
  };

  it('is refused by every route of the issuer without its key', async () => {
    const session = await newSession();
    for (const path of ['/me', '/verify', '/sessions', '/devices']) await isRefusedAt(session, 'GET', base + path);
    await isRefusedAt(session, 'DELETE', `${base}/devices`);
    await isRefusedAt(session, 'POST', `${base}/logout-all`);
  });

  it('ends no session by itself', async () => {
    const { owner, access } = await newSession();
    expect((await call(issuer, 'POST', `${base}/logout`, `Bearer ${access}`)).status).toBe(200);
    const proof = owner.signer.prove('GET', `${publicUrl}${base}/me`, access);
    expect((await call(issuer, 'GET', `${base}/me`, `DPoP ${access}`, proof)).status).toBe(200);
  });

  it('is refused by a service that verifies it itself, and so is a proof that was overheard', async () => {
    const { owner, access } = await newSession();
    const path = '/api/rooms/create';
    const create = (authorization: string, proof?: string) =>
      chat('POST', path, { body: { name: 'Room' }, headers: { authorization, ...(proof && { dpop: proof }) } });
    const proof = owner.signer.prove('POST', chatUrl + path, access);
    expectProblem(await create(`Bearer ${access}`), 'proof_required', 'invalid or expired token');
    expectProblem(await create(`DPoP ${access}`), 'proof_required');
    expectProblem(
      await create(`DPoP ${access}`, newProofSigner().prove('POST', chatUrl + path, access)),
      'proof_invalid',
    );
    expect((await create(`DPoP ${access}`, proof)).status).toBe(200);
    expectProblem(await create(`DPoP ${access}`, proof), 'proof_replayed');
    const listed = await chat('GET', '/api/messages/room?limit=1', {
      headers: {
        authorization: `DPoP ${access}`,
        dpop: owner.signer.prove('GET', `${chatUrl}/api/messages/room`, access),
      },
    });
    expect(listed.status).toBe(404);
  });

  it('opens no stream without its key', async () => {
    const { owner, access } = await newSession();
    const path = '/api/messages/stream';
    const open = async (protocols: readonly string[]): Promise<string> => {
      const socket = new WebSocket(system.chat.url.replace('http', 'ws') + path, [...protocols]);
      socket.on('error', () => undefined);
      const outcome = await Promise.race([
        once(socket, 'open').then(() => socket.protocol),
        once(socket, 'unexpected-response').then(([, response]) =>
          String((response as { statusCode: number }).statusCode),
        ),
      ]);
      socket.terminate();
      return outcome;
    };
    const proof = owner.signer.prove('GET', chatUrl + path, access);
    expect(await open(['bearer', access])).toBe('401');
    expect(await open(['bearer', access, proof])).toBe('401');
    expect(await open(['dpop', access])).toBe('401');
    expect(await open(['dpop', access, newProofSigner().prove('GET', chatUrl + path, access)])).toBe('401');
    expect(await open(['dpop', access, proof])).toBe('dpop');
    expect(await open(['dpop', access, proof])).toBe('401');
  });
});
