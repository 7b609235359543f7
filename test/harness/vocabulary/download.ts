// A learner's client that saves what a server of the grader's sends.
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Program } from '../programs/program.ts';
import type { Run } from '../run/run.ts';
import type { Call } from '../wire/grader-server.ts';

export type Download = {
  client: Program;
  /** Its request. */
  call: Call;
  /** Where it was told to save to. */
  file: string;
  /** What is in the file; undefined when there is no file. */
  content(): Buffer | undefined;
  /** The names of what is beside the file. */
  besides(): string[];
  /** The bytes of the file, and of all that is beside it. */
  written(): number;
  /** Whether the client has put anything into the system's folder for temporary files. */
  usesTemporary(): boolean;
};

/**
 * Starts a client that saves to a file in an empty folder, and waits for its request.
 * @param old what is in the file before
 * @param file where to, when another client saves there too
 */
export async function startDownload(
  run: Run,
  old?: Buffer,
  file = join(run.temporaryFolder(), `${run.random.words(1)[0]}.bin`),
): Promise<Download> {
  const own = dirname(file);
  const temporary = run.temporaryFolder();
  if (old) writeFileSync(file, old);
  const site = await run.startGraderServer('/files/report.bin');
  const client = run.startClientWith({ TMPDIR: temporary, TEMP: temporary, TMP: temporary }, site.url, file);
  return {
    client,
    call: await site.call(client),
    file,
    content: () => contentOf(file),
    besides: () => readdirSync(own).filter((name) => name !== basename(file)),
    written: () =>
      readdirSync(own, { recursive: true })
        .map((name) => statSync(join(own, String(name)), { throwIfNoEntry: false })?.size ?? 0)
        .reduce((sum, size) => sum + size, 0),
    usesTemporary: () => readdirSync(temporary).length > 0,
  };
}

function contentOf(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
