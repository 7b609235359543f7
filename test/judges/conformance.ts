// The official conformance suite as a judge of our programs.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../harness/folders.js';

/** How each scenario's checks ended, by its name: `SUCCESS`, or what was wrong; remarks are left out. */
type Findings = Record<string, string[]>;

/** The suite as released, and a preview of the next release: only this one knows revision 2026-07-28. */
const suites = {
  '2025-11-25': join(root, 'node_modules', '@modelcontextprotocol', 'conformance', 'dist', 'index.js'),
  '2026-07-28': join(root, 'node_modules', 'conformance-2026', 'dist', 'index.js'),
};
type Revision = keyof typeof suites;
const globSync = fileURLToPath(new URL('glob-sync.js', import.meta.url));

/** What the suite's scenarios for revision 2025-11-25, or the one with this name, say of the server at this URL. */
export const judgeServer = (url: string, scenario?: string): Promise<Findings> =>
  judge('2025-11-25', 'server', '--url', url, ...(scenario ? ['--scenario', scenario] : []));

/** What a scenario says of a client; the suite puts the URL of its server behind the command. */
export const judgeClient = (scenario: string, command: string): Promise<Findings> =>
  judge('2025-11-25', 'client', '--scenario', scenario, '--command', command);

/** What the scenarios that this revision requires of a server, or the one with this name, say by the preview. */
export const judgeServerByPreview = (url: string, revision: Revision, scenario?: string): Promise<Findings> =>
  judge('2026-07-28', 'server', '--url', url, ...scenariosOf(revision, scenario));

/** What the scenarios that this revision requires of a client, or the one with this name, say by the preview. */
export const judgeClientByPreview = (command: string, revision: Revision, scenario?: string): Promise<Findings> =>
  judge('2026-07-28', ...['client', '--command', command, '--timeout', '120000'], ...scenariosOf(revision, scenario));

const scenariosOf = (revision: Revision, scenario?: string): string[] =>
  scenario === undefined ? ['--requirements', revision] : ['--spec-version', revision, '--scenario', scenario];

/** Runs the suite. Its exit code says little, since a scenario that looks at nothing passes: its results are counted. */
async function judge(revision: Revision, ...args: string[]): Promise<Findings> {
  mkdirSync(join(root, '.tmp'), { recursive: true });
  const results = mkdtempSync(join(root, '.tmp', 'conformance-'));
  try {
    const command = ['--import', globSync, suites[revision], ...args, '--output-dir', results];
    await new Promise<void>((resolve) => {
      execFile(process.execPath, command, { cwd: root, timeout: 180_000 }, () => resolve());
    });
    // The suite puts the scenarios of a group, such as auth, into a folder of their own.
    const files = readdirSync(results, { recursive: true, encoding: 'utf8' }).filter(
      (file) => basename(file) === 'checks.json',
    );
    return Object.fromEntries(
      files.map((file) => {
        const name = dirname(file).replace(/^server-|-\d{4}-\d\d-\d\dT.*$/g, '');
        const checks = JSON.parse(readFileSync(join(results, file), 'utf8')) as Check[];
        return [
          name,
          checks.filter(({ status }) => status !== 'INFO').map(({ status, errorMessage }) => errorMessage ?? status),
        ];
      }),
    );
  } finally {
    rmSync(results, { recursive: true, force: true });
  }
}

type Check = { status: string; errorMessage?: string };
