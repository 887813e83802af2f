import { readFileSync } from 'node:fs';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { comingPresets, presets } from './presets.ts';

/** One server of a preset, as its `servers.json` describes it. */
export interface PlannedServer {
  readonly name: string;
  /** What the table calls it. */
  readonly title: string;
  /** Module that runs it. */
  readonly entry: string;
  /** Its public port before the offset; the private one is a thousand above. */
  readonly port: number;
  /** Setting that gives another port. */
  readonly portSetting?: string;
  /** Setting with which it speaks https. */
  readonly tlsSetting?: string;
  /** Setting that names a route file in place of the preset's routes: the commands to try are for those alone. */
  readonly routesSetting?: string;
  /** Setting that names a server elsewhere, which then takes this one's place. */
  readonly replacedBy?: string;
  /** A page, or called by one: worth nothing on a port that browsers refuse. Default false. */
  readonly forBrowsers?: boolean;
  /** What stands above everything that is given. */
  readonly settings: Readonly<Record<string, string>>;
  /** What stands below it. `{title}` stands for the address of the server that the table calls so. */
  readonly defaults?: Readonly<Record<string, string>>;
}

export interface PlannedSecret {
  readonly name: string;
  readonly aliases?: readonly string[];
  /**
   * `keys`: `1:<base64url of 32 bytes>`. `text`: 32 bytes as base64url. `webhook`: `whsec_<base64 of 32 bytes>`. `derived`: each holder's own, from the gateway's
   * masters. `feed`: each holder's own token at the revocation feed, from the root keys. `given`: never made, only handed on.
   */
  readonly form: 'keys' | 'text' | 'webhook' | 'derived' | 'feed' | 'given';
  /** The servers that get it. Nobody else does. */
  readonly holders: readonly string[];
  /** The server whose secret it is. Where that one runs elsewhere, only it can say what the secret is: none is made. */
  readonly from?: string;
  /** Settings of the holders where it is not given and `from` runs elsewhere. */
  readonly otherwise?: Readonly<Record<string, string>>;
}

export interface Plan {
  readonly preset: string;
  /** In the order of their start. */
  readonly servers: readonly PlannedServer[];
  readonly secrets: readonly PlannedSecret[];
  /** Commands to try; `{title}` stands for the address of the server that the table calls so. */
  readonly try: readonly string[];
}

/** @throws CommandError for a preset that does not exist */
export const readPlan = (preset: string): Plan => {
  const url = Object.hasOwn(presets, preset) ? presets[preset] : undefined;
  if (url === undefined) {
    const what = comingPresets.includes(preset)
      ? `The preset "${preset}" is not here yet: it comes with a later version.`
      : `There is no preset "${preset}".`;
    throw new CommandError(`${what} Presets: ${Object.keys(presets).join(', ')}`, exitCodes.usage);
  }
  const { servers, secrets, try: commands } = JSON.parse(readFileSync(new URL(url), 'utf8')) as Omit<Plan, 'preset'>;
  return { preset, servers, secrets, try: commands };
};
