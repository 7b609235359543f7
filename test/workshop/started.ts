import { startIn, type Copy } from '../../scripts/workshop/copy.ts';
import { freePort } from '../harness/programs/ports.ts';

/** The reader of a copy of the workshop, in a process of its own, as `npm start` starts it. */
export type Started = {
  url: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Ends it as Ctrl+C does; returns its exit code. */
  stop(): Promise<number | null>;
};

export async function startReader(copy: Copy, port?: number): Promise<Started> {
  const child = startIn(copy.folder, 'start', ['--no-open', '--port', String(port ?? (await freePort()))]);
  const output = { stdout: '', stderr: '' };
  child.stderr.on('data', (bytes) => (output.stderr += bytes));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (bytes) => {
      output.stdout += bytes;
      if (output.stdout.includes('Ctrl+C')) resolve();
    });
    void ended.then((code) => reject(new Error(`npm start ended with exit code ${code}.\n${output.stderr}`)));
  });
  return {
    url: /http:\/\/127\.0\.0\.1:\d+/.exec(output.stdout)![0],
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
    stop() {
      child.kill('SIGINT');
      return ended;
    },
  };
}
