import type { Setting, SettingsSchema } from './config-setting.ts';

/** The settings as a Markdown table: name and aliases, what may be written, default, meaning. Data settings stand below. */
export const settingsMarkdown = (schema: SettingsSchema): string => {
  const all = Object.entries(schema);
  const rows = all.filter(([, { env }]) => env !== undefined).map(([, setting]) => row(setting));
  const data = all.filter(([, { env }]) => env === undefined).map(([key, { doc }]) => `- \`${key}\`: ${doc}`);
  const table = ['| name | value | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
  if (data.length === 0) return `${table}\n`;
  return `${table}\n\nOnly a preset or a settings file can give:\n\n${data.join('\n')}\n`;
};

const row = (setting: Setting<unknown>): string => {
  const names = [`\`${setting.env}\``, ...(setting.secret ? [`\`${setting.env}_FILE\``] : [])];
  const aliases = setting.aliases.map(({ env, unit }) => `\`${env}\`${unit === undefined ? '' : ` (${unit})`}`);
  const name = [...names, ...(aliases.length > 0 ? [`also ${aliases.join(', ')}`] : [])].join('<br>');
  return `| ${[name, setting.kind, defaultCell(setting), setting.doc].map(cell).join(' | ')} |`;
};

const defaultCell = ({ defaultText, required }: Setting<unknown>): string => {
  if (defaultText !== undefined) return defaultText === '' ? 'empty' : `\`${defaultText}\``;
  return required ? '**required**' : 'none';
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** A `.env.example`: required settings to be filled in, all others as comments with their defaults. */
export const settingsEnvExample = (schema: SettingsSchema): string =>
  Object.values(schema)
    .filter(({ env }) => env !== undefined)
    .map((setting) => `${comment(setting)}\n${assignment(setting)}\n`)
    .join('\n');

const comment = ({ doc, kind, required }: Setting<unknown>): string =>
  [...doc.split('\n'), `${required ? 'Required. ' : ''}Value: ${kind.replaceAll('`', '')}`]
    .map((line) => `# ${line}`)
    .join('\n');

const assignment = ({ env, defaultText, required }: Setting<unknown>): string =>
  required ? `${env}=` : `# ${env}=${defaultText ?? ''}`;
