// Finds what a program started and put outside of its process group, so that ending the group does not end it.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/**
 * The processes of a run, by the mark that its programs have in their environment and hand on to what they start.
 * On Windows nothing tells: there taskkill /T ends what a program has started, as long as the program is there.
 * @param {string} run
 * @returns {number[]}
 */
export function strays(run) {
  const mark = `CHUNK_BY_CHUNK_RUN=${run}`;
  if (process.platform === 'linux') {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && environment(name).includes(mark))
      .map(Number)
      .filter((pid) => pid !== process.pid);
  }
  if (process.platform === 'win32') return [];
  const { stdout } = spawnSync('ps', ['-axwwE', '-o', 'pid=,command='], { encoding: 'utf8', maxBuffer: 64 * 1024 ** 2 });
  return (stdout ?? '')
    .split('\n')
    .filter((line) => line.includes(mark))
    .map((line) => Number.parseInt(line, 10))
    .filter((pid) => pid !== process.pid);
}

function environment(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return ''; // it has ended, or is not ours to read
  }
}

/** Ends the processes of a run that are outside of every group. */
export function endStrays(run) {
  for (const pid of strays(run)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended already
    }
  }
}
