import type { Command } from 'commander';
import { addUrlOption, type Where, withDesk } from '../desk/with-desk.ts';
import { CommandError } from '../exit-codes.ts';
import { type Json, jsonOption, print } from '../print.ts';

/** `sallyport devices list | revoke`: devices that log in, on the host that holds the store. */
export const addDevicesCommand = (program: Command): void => {
  const devices = program.command('devices').description('devices that an account logs in on (preset device-chat)');
  addUrlOption(devices.command('list'))
    .argument('<id or identifier>', 'id, e-mail or user name of the account')
    .option('--json', 'print JSON', false)
    .description('list the devices of an account, newest first')
    .action((identifier: string, { json, ...where }: Where & { readonly json: boolean }) =>
      withDesk(where, async (desk) => {
        const all = await desk.listDevices(identifier);
        const lines = all.map(({ id, created_at: created, last_seen_at: seen = 'never', name = '' }) =>
          [id, created, seen, name].join('\t'),
        );
        process.stdout.write(
          json ? `${JSON.stringify(all, undefined, 2)}\n` : lines.map((line) => `${line}\n`).join(''),
        );
      }),
    );
  addUrlOption(devices.command('revoke'))
    .argument('<device id>')
    .description('revoke a device and end its session: it cannot log in again')
    .option(...jsonOption)
    .action((deviceId: string, { json, ...where }: Where & Json) =>
      withDesk(where, async (desk) => {
        if (!(await desk.revokeDevice(deviceId))) throw new CommandError(`There is no device ${deviceId}.`);
        print(json, { id: deviceId, revoked: true }, `Device ${deviceId} is revoked.\n`);
      }),
    );
};
