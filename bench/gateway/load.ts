import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';

export interface Load {
  /** Path on the contestant. */
  readonly path: string;
  /** Sent in turn. */
  readonly tokens: readonly string[];
  /** Bytes of a POST body; absent: GET. */
  readonly body?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly seconds: number;
  readonly connections: number;
}

export interface Sample {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** User and system time of the proxy's process. */
  readonly cpuMicroseconds: number;
  readonly residentMiB: number;
}

const run = promisify(execFile);

/** Runs wrk on the client's core against a proxy and reads what the proxy's process used meanwhile. */
export const measure = async (pid: number, port: number, load: Load, script: string): Promise<Sample> => {
  writeFileSync(script, luaScript(load));
  const before = cpuTicks(pid);
  const { stdout } = await run('taskset', [
    '-c',
    '0',
    'wrk',
    '-t1',
    `-c${load.connections}`,
    `-d${load.seconds}s`,
    '--latency',
    '-s',
    script,
    `http://127.0.0.1:${port}${load.path}`,
  ]);
  const ticks = cpuTicks(pid) - before;
  const [, report = ''] = /RESULT (\{.*\})/.exec(stdout) ?? [];
  const { requests, errors, p50, p99, seconds } = JSON.parse(report) as Readonly<Record<string, number>>;
  if (requests === undefined || errors !== 0) throw new Error(`a round had errors: ${stdout}`);
  return {
    requests,
    perSecond: Math.round(requests / (seconds ?? load.seconds)),
    p50Ms: (p50 ?? 0) / 1000,
    p99Ms: (p99 ?? 0) / 1000,
    cpuMicroseconds: (ticks * tickMicroseconds) / requests,
    residentMiB: residentMiB(pid),
  };
};

/** Everything that cannot be measured against by itself is told in one line of JSON at the end. */
const luaScript = ({ tokens, body, headers = {}, path }: Load): string => `
local tokens = { ${tokens.map((token) => JSON.stringify(token)).join(', ')} }
local extra = { ${Object.entries(headers)
  .map(([name, value]) => `[${JSON.stringify(name)}]=${JSON.stringify(value)}`)
  .join(', ')} }
local prepared, at = {}, 0
init = function()
  for i, token in ipairs(tokens) do
    local headers = { ["Authorization"] = "Bearer " .. token, ["Accept"] = "application/json", ["User-Agent"] = "bench" }
    for name, value in pairs(extra) do headers[name] = value end
    prepared[i] = wrk.format(${body === undefined ? '"GET"' : '"POST"'}, ${JSON.stringify(path)}, headers, ${body === undefined ? 'nil' : `string.rep("x", ${body})`})
  end
end
request = function()
  at = at % #prepared + 1
  return prepared[at]
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"errors":%d,"p50":%d,"p99":%d,"seconds":%.3f}\\n', summary.requests,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99), summary.duration / 1e6))
end
`;

const tickMicroseconds = 1e6 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

const cpuTicks = (pid: number): number => {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number);
  return user + system;
};

const residentMiB = (pid: number): number => {
  const [, kib = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kib) / 1024);
};

/** All threads of a process on one core. */
export const pin = (pid: number, core: number): void => {
  execFileSync('taskset', ['-a', '-p', '-c', String(core), String(pid)], { stdio: 'ignore' });
};
