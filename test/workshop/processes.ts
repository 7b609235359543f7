import { readFileSync, readdirSync } from 'node:fs';

/**
 * The processes with a text in their command line, or in their environment; none where the system does not tell. A
 * process that has ended, and whose parent has not noticed it yet, does not count.
 */
export function processesWith(text: string, where: 'cmdline' | 'environ' = 'cmdline'): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && read(pid, where).includes(text) && !hasEnded(pid));
}

/** Whether a process of our own is still there. */
export function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The name in parentheses may have spaces; then comes the state. */
const hasEnded = (pid: number): boolean => (read(pid, 'stat').split(') ').at(-1) ?? '').startsWith('Z');

function read(pid: number, file: 'cmdline' | 'environ' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return ''; // it has ended
  }
}
