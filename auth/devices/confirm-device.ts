import { isDeviceId } from '@sallyport/contract';
import type { Random } from '@sallyport/kit/random';
import type { Devices } from '@sallyport/storage/contracts/devices';
import type { ActContext } from '@sallyport/storage/contracts/store';
import { isClientMac } from './exchange.ts';

/** contracts/device-chat.md: five minutes between the two steps. */
export const confirmWithinMs = 300_000;

export interface ConfirmDeviceOptions {
  readonly devices: Pick<Devices, 'findDevice' | 'confirmDevice'>;
  readonly random: Pick<Random, 'bytes'>;
}

/** Of N callers with the right answer one confirms. False: unknown, late, confirmed already, or the wrong answer; at one cost. */
export const createConfirmDevice =
  ({ devices, random }: ConfirmDeviceOptions) =>
  async (deviceId: string, clientMac: Uint8Array, context: ActContext): Promise<boolean> => {
    const device = isDeviceId(deviceId) ? await devices.findDevice(deviceId) : undefined;
    const key = device?.deviceKey ?? random.bytes(32);
    const isRight = isClientMac(clientMac, key, device?.challenge ?? random.bytes(32));
    if (!isRight || device?.challenge === undefined) return false;
    return devices.confirmDevice({ deviceId: device.id, withinMs: confirmWithinMs, context });
  };
