// The official conformance suite as a judge of our programs.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../harness/folders.js';

/** How each scenario's checks ended, by its name: `SUCCESS`, or what was wrong; remarks are left out. */
type Findings = Record<string, string[]>;

/** The suite as released, and a preview of the next release: only this one knows revision 2026-07-28. */
const suites = {
  '2025-11-25': join(root, 'node_modules', '@modelcontextprotocol', 'conformance', 'dist', 'index.js'),
  '2026-07-28': join(root, 'node_modules', 'conformance-2026', 'dist', 'index.js'),
};
const globSync = fileURLToPath(new URL('glob-sync.js', import.meta.url));

/** What the suite's scenarios for revision 2025-11-25, or the one with this name, say of the server at this URL. */
export const judgeServer = (url: string, scenario?: string): Promise<Findings> =>
  judge('2025-11-25', 'server', '--url', url, ...(scenario ? ['--scenario', scenario] : []));

/** What one of the suite's scenarios for revision 2026-07-28 says of the server at this URL. */
export const judgeStatelessServer = (url: string, scenario: string): Promise<Findings> =>
  judge('2026-07-28', 'server', '--url', url, '--spec-version', '2026-07-28', '--scenario', scenario);

/** What a scenario says of a client; the suite puts the URL of its server behind the command. */
export const judgeClient = (scenario: string, command: string): Promise<Findings> =>
  judge('2025-11-25', 'client', '--scenario', scenario, '--command', command);

/** What a scenario for revision 2026-07-28 says of a client. */
export const judgeStatelessClient = (scenario: string, command: string): Promise<Findings> =>
  judge('2026-07-28', 'client', '--spec-version', '2026-07-28', '--scenario', scenario, '--command', command);

/** Runs the suite. Its exit code says little, since a scenario that looks at nothing passes: its results are counted. */
async function judge(revision: keyof typeof suites, kind: string, ...args: string[]): Promise<Findings> {
  mkdirSync(join(root, '.tmp'), { recursive: true });
  const results = mkdtempSync(join(root, '.tmp', 'conformance-'));
  try {
    const command = ['--import', globSync, suites[revision], kind, ...args, '--output-dir', results];
    await new Promise<void>((resolve) => {
      execFile(process.execPath, command, { cwd: root, timeout: 180_000 }, () => resolve());
    });
    return Object.fromEntries(
      readdirSync(results).map((folder) => {
        const name = folder.replace(/^server-|-\d{4}-\d\d-\d\dT.*$/g, '');
        const checks = JSON.parse(readFileSync(join(results, folder, 'checks.json'), 'utf8')) as Check[];
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
