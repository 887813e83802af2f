import { gatewayKey, gatewayKeyServices } from '@sallyport/gateway/maintenance';
import type { Command } from 'commander';
import { readEnvironment } from '../environment.ts';
import { gatewayEnvironment } from '../host-environment.ts';
import { type Json, jsonOption, print } from '../print.ts';

/** `sallyport gateway` and `sallyport gateway key <service>` */
export const addGatewayCommand = (program: Command): void => {
  const gateway = program
    .command('gateway')
    .description('run the gateway alone; it makes no secrets and says which setting is missing')
    // It takes the process over: signals, log, exit code.
    .action(async () => void (await import('@sallyport/gateway/main')));
  gateway
    .command('key')
    .argument(
      '<service>',
      'id of the service in GATEWAY_ROUTES_FILE, or in the preset or settings file, for example payment-service',
    )
    .description("print a service's GATEWAY_ASSERTION_KEYS, derived from GATEWAY_MASTER_KEYS")
    .option(...jsonOption)
    .action(async (service: string, { json }: Json) => {
      const env = gatewayEnvironment(readEnvironment(process.env, '.env'));
      const keys = gatewayKey(service, await gatewayKeyServices({ env }));
      print(json, { service, keys }, `${keys}\n`);
    });
};
