// Ends this process when the one that started it is gone, even if that was killed and could say nothing.
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

/** Milliseconds between two looks. */
const interval = 1000;

/** Looks from the event loop: it costs nothing, and sees nothing while the loop stands still. */
export function endWithParent(): void {
  const parent = process.ppid;
  const npm = npmBehindShell(parent);
  const timer = setInterval(() => {
    if (isThere(parent) && (npm === undefined || parentOf(parent) === npm)) return;
    clearInterval(timer);
    // Whoever has something to put right listens for the signal; who does not end for it is ended.
    process.kill(process.pid, 'SIGTERM');
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 2 * interval);
  }, interval);
  timer.unref();
}

/** Looks from a thread of its own, so that a process that is stuck in a loop ends too; for processes that stay long. */
export function endWithParentAlways(): void {
  const code = `
    const parent = ${process.ppid}; // as it is now: the thread may begin when it is gone
    const isThere = ${isThere};
    setInterval(() => isThere(parent) || process.kill(process.pid, 'SIGKILL'), ${interval});
  `;
  const watch = new Worker(code, { eval: true, execArgv: [], stdout: false, stderr: false });
  watch.on('error', () => {}); // without memory for a thread, the disconnect of the channel has to do
  watch.unref();
}

/** On Windows a process keeps the id of a parent that is gone. */
function isThere(parent: number): boolean {
  if (process.ppid !== parent) return false;
  if (process.platform !== 'win32') return true;
  try {
    return process.kill(parent, 0);
  } catch {
    return false;
  }
}

/** npm starts a command by `sh -c`, and not every shell makes way for it: where one stays, npm is the parent's parent. */
function npmBehindShell(shell: number): number | undefined {
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  return readProcess(shell, 'cmdline').split('\0')[1] === '-c' ? parentOf(shell) : undefined;
}

/** Undefined where the system does not tell. */
function parentOf(pid: number): number | undefined {
  // The name in parentheses may have spaces; then come the state and the parent.
  const parent = readProcess(pid, 'stat').split(') ').at(-1)?.split(' ')[1];
  return parent === undefined ? undefined : Number(parent);
}

function readProcess(pid: number, file: 'cmdline' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return ''; // it has ended, or this is not Linux
  }
}
