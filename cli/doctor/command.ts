import { examineIssuer, issuerPresets } from '@sallyport/auth/maintenance';
import { examineGateway, gatewayPresets } from '@sallyport/gateway/maintenance';
import { type Command, Option } from 'commander';
import { readEnvironment } from '../environment.ts';
import { exitCodes } from '../exit-codes.ts';
import { hostEnvironment, serverEnvironment } from '../host-environment.ts';
import { doctorText } from './doctor-text.ts';

interface DoctorOptions {
  readonly only?: 'issuer' | 'gateway';
  readonly json: boolean;
}

/** `sallyport doctor` */
export const addDoctorCommand = (program: Command, finish: (exitCode: number) => void): void => {
  program
    .command('doctor')
    .description(
      'look at settings, store, Redis, keys, clocks, certificate, routes, feed and services, and say what is wrong and what to do',
    )
    .addOption(new Option('--only <server>', 'one of the two').choices(['issuer', 'gateway']))
    .option('--json', 'print JSON', false)
    .action(async ({ only, json }: DoctorOptions) => {
      const given = readEnvironment(process.env, '.env');
      const env = hostEnvironment(given);
      const { SALLYPORT_PRESET: preset } = env;
      const has = (name: 'issuer' | 'gateway', presets: object): boolean =>
        only === undefined ? preset === undefined || Object.hasOwn(presets, preset) : only === name;
      const findings = [
        ...(has('issuer', issuerPresets) ? await examineIssuer(env) : []),
        ...(has('gateway', gatewayPresets)
          ? await examineGateway({ env: serverEnvironment(given, '@sallyport/gateway/main') })
          : []),
      ];
      process.stdout.write(json ? `${JSON.stringify(findings, undefined, 2)}\n` : doctorText(findings));
      finish(findings.some(({ verdict }) => verdict === 'fault') ? exitCodes.failed : exitCodes.done);
    });
};
