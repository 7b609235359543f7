import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../../test/harness/folders.js';
import { isObject } from '../../test/harness/wire/json.ts';
import { isThere, reasonOf, shownPath } from '../trouble.js';
import { Refusal, type Arguments } from './command.ts';
import { readText, save, whereToLook, writeAtomically } from './files.ts';

/** How a host is told of a server. Each format is the one that the host's own documentation describes. */
type HostFormat = {
  /** As people call it. */
  title: string;
  /** Its file, in the folder of a project; undefined where the file belongs to the user, so that we do not know its place. */
  file: string | undefined;
  /** The member of the file that has the servers, by their names. */
  member: 'servers' | 'mcpServers';
  /** A server over HTTP; undefined where the file knows only commands. */
  http: ((url: string) => object) | undefined;
  /** Whether a command has the type `stdio`. */
  hasType: boolean;
  /** What to do when the file is there. */
  then: string;
};

export const hosts: Record<string, HostFormat> = {
  vscode: {
    title: 'Visual Studio Code',
    file: '.vscode/mcp.json',
    member: 'servers',
    http: (url) => ({ type: 'http', url }),
    hasType: true,
    then: 'Open the file in the editor, and start the server above its name.',
  },
  'claude-code': {
    title: 'Claude Code',
    file: '.mcp.json',
    member: 'mcpServers',
    http: (url) => ({ type: 'http', url }),
    hasType: true,
    then: 'Start claude in this folder, and type /mcp.',
  },
  cursor: {
    title: 'Cursor',
    file: '.cursor/mcp.json',
    member: 'mcpServers',
    http: (url) => ({ url }),
    hasType: false,
    then: 'Switch the server on in the settings of the editor.',
  },
  gemini: {
    title: 'Gemini CLI',
    file: '.gemini/settings.json',
    member: 'mcpServers',
    http: (url) => ({ httpUrl: url }),
    hasType: false,
    then: 'Start gemini in this folder, and type /mcp.',
  },
  'claude-desktop': {
    title: 'Claude Desktop',
    file: undefined,
    member: 'mcpServers',
    http: undefined,
    hasType: false,
    then: 'The file is claude_desktop_config.json: its settings, under Developer, have a button that shows it. Restart the program.',
  },
};

/** The configuration of one host: `entry` is the server, and `config` is a file that has nothing else. */
type Printed = { host: string; file: string; entry: object; config: object };

const bridgeFile = join(root, 'lessons', '26-in-a-host', 'client.ts');

/** Prints the configuration of a host, or of all, and writes it into the file of the host if it is asked to. */
export function host({ words: [name], options }: Arguments): number {
  const url = addressFrom(options.url);
  const server = String(options.name ?? 'chunk-by-chunk-server');
  if (!/^[a-zA-Z][\w-]*$/.test(server)) {
    throw new Refusal(`--name takes letters, digits, - and _, and begins with a letter; "${server}" does not.`);
  }
  const names = name === undefined ? Object.keys(hosts) : [nameOfHost(name)];
  const all = names.map((each) => configuration(each, url, server, Boolean(options.bridge)));
  if (options.write) return write(all, name, server, options);
  if (options.file !== undefined) throw new Refusal('--file says where --write writes: add --write.');
  if (options.json) console.log(JSON.stringify(all, null, 2));
  else console.log(all.map(shown).join('\n\n'));
  return 0;
}

function addressFrom(url: unknown): string {
  const address = String(url ?? 'http://127.0.0.1:3000/mcp');
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) return address;
  throw new Refusal(`--url takes an address such as http://127.0.0.1:3000/mcp, and "${address}" is not one.`);
}

function nameOfHost(name: string): string {
  if (Object.hasOwn(hosts, name)) return name;
  throw new Refusal(`"${name}" is not a host that this command knows. It knows ${Object.keys(hosts).join(', ')}.`);
}

function configuration(name: string, url: string, server: string, bridge: boolean): Printed {
  const { file, member, http, hasType } = hosts[name]!;
  const entry = http && !bridge ? http(url) : { ...(hasType && { type: 'stdio' }), ...bridgeTo(url) };
  const place = file ?? 'claude_desktop_config.json';
  return { host: name, file: place, entry, config: { [member]: { [server]: entry } } };
}

/** The command of the bridge. A host starts it in a folder of its own, so each path is whole. */
function bridgeTo(url: string): { command: string; args: string[] } {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return { command: process.execPath, args: ['--import', tsx, bridgeFile, url] };
}

const shown = ({ host, file, config }: Printed): string =>
  `${hosts[host]!.title}   ${file}\n\n${JSON.stringify(config, null, 2).replace(/^/gm, '  ')}`;

function write(all: Printed[], name: string | undefined, server: string, { file, json }: Arguments['options']): number {
  if (name === undefined) throw new Refusal('--write needs the name of a host: npm run host vscode -- --write');
  const [printed] = all as [Printed];
  const { title, member, then, file: own } = hosts[name]!;
  if (own === undefined && file === undefined) {
    throw new Refusal(`The file of ${title} is not in this project. Say where it is: --write --file PATH.\n${then}`);
  }
  const path = file === undefined ? insideProject(own!) : resolve(String(file));
  const before = isThere(path) ? readText(path, 'Nothing was changed.') : undefined;
  const text = withServer(before ?? '', { path, member, server, entry: printed.entry });
  const folder = save([{ path, text }]);
  const saved = folder && shownPath(folder);
  if (before !== text) {
    makeFolder(dirname(path));
    writeAtomically(path, text);
  }
  const wrote = before === text ? undefined : shownPath(path);
  if (json) console.log(JSON.stringify({ ...printed, file: shownPath(path), wrote, saved }, null, 2));
  else {
    console.log(wrote ? `${server} is in ${wrote} now.` : `${shownPath(path)} has this server already.`);
    if (saved) console.log(`What was there before is in ${saved}.`);
    console.log(then);
  }
  return 0;
}

/** The path of a file in the project. A link in it may lead out of the project: there, nothing is written. */
function insideProject(file: string): string {
  const path = join(root, file);
  let real = path;
  while (!existsSync(real)) real = dirname(real);
  const inside = relative(realpathSync(root), realpathSync(real));
  if (inside.startsWith('..') || isAbsolute(inside)) {
    throw new Refusal(`${file} leads out of this project, so nothing was written. Name the file with --file PATH.`);
  }
  return path;
}

/**
 * The text of a file of a host with this server in it. Everything else that the file has stays.
 * @param text of the file as it is, empty where there is none
 * @throws Refusal when it is not plain JSON: a comment in it would be lost
 */
export function withServer(
  text: string,
  { path, member, server, entry }: { path: string; member: string; server: string; entry: object },
): string {
  const add = `Nothing was changed. Add this to "${member}" yourself:\n\n${JSON.stringify({ [server]: entry }, null, 2)}`;
  let config: unknown = {};
  try {
    if (text.trim() !== '') config = JSON.parse(text);
  } catch {
    throw new Refusal(`${shownPath(path)} has comments, or is not JSON.\n${add}`);
  }
  const servers = isObject(config) ? (config[member] ?? {}) : undefined;
  if (!isObject(config) || !isObject(servers)) {
    throw new Refusal(`${shownPath(path)} has no object ${member}, but something different in its place.\n${add}`);
  }
  const indentation = /^[\t ]+(?=")/m.exec(text)?.[0] ?? 2;
  const whole = { ...config, [member]: { ...servers, [server]: entry } };
  if (JSON.stringify(whole) === JSON.stringify(config)) return text;
  const lines = `${JSON.stringify(whole, null, indentation)}\n`;
  return text.includes('\r\n') ? lines.replaceAll('\n', '\r\n') : lines;
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new Refusal(`${shownPath(folder)} cannot be made: ${reasonOf(error)}.\nNothing was changed. ${whereToLook}`);
  }
}
