// What editors and their assistants read of this repository: each file is read by a program that says nothing when it is wrong.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../harness/folders.js';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const data = (path: string) => JSON.parse(read(path));

test('each list of MCP servers starts the tutor', () => {
  for (const [file, key] of [
    ['.vscode/mcp.json', 'servers'],
    ['.cursor/mcp.json', 'mcpServers'],
    ['.mcp.json', 'mcpServers'],
  ] as const) {
    const { command, args } = data(file)[key]['chunk-by-chunk'];
    expect({ command, args }).toEqual({ command: 'node', args: [expect.any(String), 'tutor'] });
    expect(existsSync(join(root, args[0].replace('${workspaceFolder}', '.')))).toBe(true);
  }
});

test('what an assistant reads instead of AGENTS.md sends it there', () => {
  for (const file of ['CLAUDE.md', 'GEMINI.md', '.github/copilot-instructions.md', '.junie/guidelines.md'])
    expect(read(file)).toContain('AGENTS.md');
});

test('AGENTS.md is short, and its commands are there', () => {
  const text = read('AGENTS.md');
  expect(text.split('\n').length).toBeLessThanOrEqual(60);
  const { scripts } = data('package.json');
  const named = [...text.matchAll(/`npm run ([\w-]+)/g)].map(([, name]) => name!);
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

test('a container has the Node.js of .node-version, and what VS Code starts is there', () => {
  expect(data('.devcontainer/devcontainer.json').image).toContain(`:${read('.node-version').trim()}-`);
  for (const { program } of data('.vscode/launch.json').configurations) {
    const file = program.replace('${workspaceFolder}', root);
    expect(file === '${file}' || existsSync(file)).toBe(true);
  }
  for (const file of ['.vscode/settings.json', '.vscode/extensions.json']) expect(() => data(file)).not.toThrow();
});
