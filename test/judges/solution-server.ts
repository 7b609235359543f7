// Starts the server of a solution for a judge.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { solutionsFolder } from '../harness/folders.js';
import { listeningOn } from '../harness/programs/listening.ts';
import { freePort } from '../harness/programs/ports.ts';
import { startProgram, type Program } from '../harness/programs/program.ts';
import { transcript } from '../harness/wire/transcript.ts';

const programs: Program[] = [];

/** Ends all servers that `serve` has started. */
export function endServers(): void {
  for (const program of programs) program.stop();
}

/**
 * Starts a solution's server, with the tools that the conformance suite asks for.
 * @param more variables of its environment
 * @returns the URL of its endpoint
 */
export async function serve(slug: string, more: Record<string, string> = {}): Promise<string> {
  const port = await freePort();
  const folder = join(solutionsFolder, slug);
  const MORE_TOOLS = fileURLToPath(new URL('fixture-tools.ts', import.meta.url));
  // The suite wants each report, and they come 50 milliseconds apart. It also asks as a page of the server itself, which
  // only lesson 17 has to allow.
  const settings = { MORE_TOOLS, PROGRESS_INTERVAL: '20', ALLOWED_ORIGINS: `http://127.0.0.1:${port}` };
  const env = { PORT: String(port), WORK_CLOCK: 'off', ...settings, ...more };
  const program = startProgram({
    folder,
    folderName: `solutions/${slug}`,
    file: 'server.ts',
    env,
    changed() {},
    transcript,
  });
  programs.push(program);
  await listeningOn(program, port);
  return `http://127.0.0.1:${port}/mcp`;
}
