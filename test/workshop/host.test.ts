// The command that tells a host of a learner's server: what it prints is held to the documented format of each host.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { hosts } from '../../scripts/workshop/host.ts';
import { learnersCopy, type Copy } from '../../scripts/workshop/copy.ts';

let copy: Copy;
const elsewhere = mkdtempSync(join(tmpdir(), 'hosts-'));
beforeAll(() => {
  copy = learnersCopy();
});
afterAll(() => {
  copy.remove();
  rmSync(elsewhere, { recursive: true, force: true });
});

const url = z.url({ protocol: /^https?$/ });
const headers = z.record(z.string(), z.string()).optional();
const strings = z.array(z.string()).optional();
const env = z.record(z.string(), z.string()).optional();
const command = { command: z.string().min(1), args: strings, env };
const servers = <Server extends z.ZodType>(server: Server) => z.record(z.string().regex(/^[a-zA-Z][\w-]*$/), server);

/**
 * The documented format of each host: no member that its documentation does not name, and each that it requires.
 * They are https://code.visualstudio.com/docs/copilot/reference/mcp-configuration, https://code.claude.com/docs/en/mcp,
 * https://cursor.com/docs/mcp, https://geminicli.com/docs/tools/mcp-server, and
 * https://modelcontextprotocol.io/docs/develop/connect-local-servers, read in November 2026.
 */
const formats: Record<string, z.ZodType> = {
  vscode: z.strictObject({
    servers: servers(
      z.discriminatedUnion('type', [
        z.strictObject({ type: z.enum(['http', 'sse']), url, headers }),
        z.strictObject({ type: z.literal('stdio'), ...command, envFile: z.string().optional() }),
      ]),
    ),
    inputs: z.array(z.looseObject({ type: z.string(), id: z.string() })).optional(),
  }),
  'claude-code': z.strictObject({
    mcpServers: servers(
      z.union([
        z.strictObject({ type: z.enum(['http', 'sse']), url, headers }),
        z.strictObject({ type: z.literal('stdio').optional(), ...command }),
      ]),
    ),
  }),
  cursor: z.strictObject({
    mcpServers: servers(
      z.union([
        z.strictObject({ url, headers }),
        z.strictObject({ type: z.literal('stdio').optional(), ...command, envFile: z.string().optional() }),
      ]),
    ),
  }),
  gemini: z.looseObject({
    mcpServers: servers(
      z.union([
        // `url` alone would be a server of the deprecated transport HTTP+SSE.
        z.strictObject({ httpUrl: url, headers, timeout: z.number().optional(), trust: z.boolean().optional() }),
        z.strictObject({ ...command, cwd: z.string().optional(), timeout: z.number().optional() }),
      ]),
    ),
  }),
  'claude-desktop': z.looseObject({ mcpServers: servers(z.strictObject(command)) }),
};

type Printed = { host: string; file: string; entry: object; config: object };
const printed = async (...args: string[]) =>
  JSON.parse((await copy.run('host', ...args, '--json')).stdout) as Printed[];
const json = (path: string) => JSON.parse(copy.read(path)) as Record<string, Record<string, unknown>>;

test('what it prints has the documented format of each host, over HTTP and with the bridge', async () => {
  expect(Object.keys(formats)).toEqual(Object.keys(hosts));
  for (const options of [[], ['--bridge'], ['--url', 'https://example.com/mcp', '--name', 'other']]) {
    const all = await printed(...options);
    expect(all.map(({ host }) => host)).toEqual(Object.keys(hosts));
    for (const { host, config } of all) {
      const { error } = formats[host]!.safeParse(config);
      expect(error && z.prettifyError(error), host).toBeUndefined();
    }
  }
});

test('it prints the file and its text for people', async () => {
  const { code, stdout } = await copy.run('host');
  expect(code).toBe(0);
  for (const { title } of Object.values(hosts)) expect(stdout).toContain(title);
  expect(stdout).toContain('.vscode/mcp.json');
  expect((await copy.run('host', 'cursor')).stdout).toBe(`Cursor   .cursor/mcp.json

  {
    "mcpServers": {
      "chunk-by-chunk-server": {
        "url": "http://127.0.0.1:3000/mcp"
      }
    }
  }
`);
});

/** The folder with the copies that the command names. */
const savedIn = (stdout: string): string => /(\.saved\S+)\.\n/.exec(stdout)![1]!;

test('--write adds the server, keeps everything else, and saves what was there', async () => {
  const before = copy.read('.vscode/mcp.json');
  const { code, stdout } = await copy.run('host', 'vscode', '--write');
  expect(code).toBe(0);
  const { servers } = json('.vscode/mcp.json');
  expect(servers).toEqual({
    ...(JSON.parse(before) as { servers: object }).servers,
    'chunk-by-chunk-server': { type: 'http', url: 'http://127.0.0.1:3000/mcp' },
  });
  expect(copy.read(join(savedIn(stdout), '.vscode', 'mcp.json'))).toBe(before);
  const written = copy.read('.vscode/mcp.json');
  expect((await copy.run('host', 'vscode', '--write')).stdout).toContain('has this server already');
  expect(copy.read('.vscode/mcp.json')).toBe(written);
});

test('--write makes the file and its folder where there is none', async () => {
  expect((await copy.run('host', 'gemini', '--write')).code).toBe(0);
  expect(json('.gemini/settings.json')).toEqual({
    mcpServers: { 'chunk-by-chunk-server': { httpUrl: 'http://127.0.0.1:3000/mcp' } },
  });
});

test('--file names a file anywhere; its other members, its order and its indentation stay', async () => {
  const file = join(elsewhere, 'claude_desktop_config.json');
  const other = { command: 'x', args: ['1'] };
  const before = JSON.stringify({ theme: 'dark', mcpServers: { other }, last: [1] }, null, '\t');
  writeFileSync(file, before);
  const { code, stdout } = await copy.run('host', 'claude-desktop', '--write', '--file', file);
  expect(code).toBe(0);
  const text = readFileSync(file, 'utf8');
  const after = JSON.parse(text) as { mcpServers: Record<string, { command: string; args: string[] }> };
  expect(Object.keys(after)).toEqual(['theme', 'mcpServers', 'last']);
  expect(after.mcpServers.other).toEqual(other);
  expect(text).toContain('\n\t"theme"');
  expect(formats['claude-desktop']!.safeParse(after).error).toBeUndefined();
  const { args } = after.mcpServers['chunk-by-chunk-server']!;
  expect(existsSync(args.find((arg) => arg.endsWith('client.ts'))!)).toBe(true);
  expect(args.at(-1)).toBe('http://127.0.0.1:3000/mcp');
  expect(copy.read(join(savedIn(stdout), basename(file)))).toBe(before);
});

test('a file with comments, or with something that it cannot keep, is not touched', async () => {
  const file = join(elsewhere, 'mcp.json');
  for (const text of ['{\n  // mine\n  "servers": {}\n}\n', '[]', '{"servers": []}', 'null', '{"servers": {}']) {
    writeFileSync(file, text);
    const { code, stderr } = await copy.run('host', 'vscode', '--write', '--file', file);
    expect(code, text).toBe(2);
    expect(stderr).toContain('Nothing was changed.');
    expect(stderr).toContain('"chunk-by-chunk-server"');
    expect(readFileSync(file, 'utf8')).toBe(text);
  }
});

test('a link that leads out of the project is not followed', async () => {
  const target = join(elsewhere, 'cursor');
  mkdirSync(target);
  rmSync(join(copy.folder, '.cursor'), { recursive: true });
  symlinkSync(target, join(copy.folder, '.cursor'), 'junction');
  const { code, stderr } = await copy.run('host', 'cursor', '--write');
  expect(code).toBe(2);
  expect(stderr).toContain('leads out of this project');
  expect(existsSync(join(target, 'mcp.json'))).toBe(false);
});

test.for([
  ['an unknown host', ['emacs'], 'is not a host that this command knows'],
  ['two words', ['vscode', 'cursor'], 'one word too many'],
  ['an option that it does not have', ['--port', '3'], 'unknown option'],
  ['no address', ['--url', 'localhost'], '--url takes an address'],
  ['an address of another kind', ['--url', 'file:///etc/passwd'], '--url takes an address'],
  ['a name that hosts refuse', ['--name', 'a b'], '--name takes letters'],
  ['--write without a host', ['--write'], '--write needs the name of a host'],
  ['--file without --write', ['vscode', '--file', 'x'], 'add --write'],
  ['a host whose file is elsewhere', ['claude-desktop', '--write'], '--file PATH'],
  ['a folder as the file', ['vscode', '--write', '--file', '.'], 'is a folder'],
] as const)('%s gets a sentence and exit code 2', async ([, args, sentence]) => {
  const { code, stdout, stderr } = await copy.run('host', ...args);
  expect(code).toBe(2);
  expect(stderr).toContain(sentence);
  expect(stdout).toBe('');
});

test('--help explains it', async () => {
  const { code, stdout } = await copy.run('host', '--help');
  expect(code).toBe(0);
  expect(stdout).toContain('--write');
});
