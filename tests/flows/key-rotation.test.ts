import { expect, it } from 'vitest';
import { keyRotation } from '../prove/key-rotation.ts';

it('keys that turn every three seconds under load refuse no valid token, and none is accepted after its time', async () => {
  const proven = await keyRotation({ seconds: 19, perSecond: 40, everySeconds: 3, accessSeconds: 5 });
  expect(proven).toMatchObject({ refused: 0, acceptedAfterTheirTime: 0, passed: true });
}, 60_000);
