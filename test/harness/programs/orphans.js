// Finds what a program started and put outside of its process group, so that ending the group does not end it.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/**
 * The processes of a run, by the mark that its programs have in their environment and hand on to what they start.
 * On Windows no call tells. There, taskkill /T ends what a program has started, as long as the program exists.
 * @param {string} run
 * @param {Set<number>} groups those in one of these process groups are none
 * @returns {number[]}
 */
function orphansOf(run, groups = new Set()) {
  const mark = `CHUNK_BY_CHUNK_RUN=${run}`;
  if (process.platform === 'linux') {
    return processIds()
      .filter((name) => environment(name).includes(mark) && !groups.has(groupOf(name)))
      .map(Number)
      .filter((pid) => pid !== process.pid);
  }
  if (process.platform === 'win32') return [];
  const { stdout } = spawnSync('ps', ['-axwwE', '-o', 'pid=,pgid=,command='], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 ** 2,
  });
  return (stdout ?? '')
    .split('\n')
    .filter((line) => line.includes(mark))
    .map((line) => line.trim().split(/\s+/, 2).map(Number))
    .filter(([pid, group]) => pid !== process.pid && !groups.has(group))
    .map(([pid]) => pid);
}

function processIds() {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return []; // the system opens no more files
  }
}

function environment(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return ''; // it has ended, or is not ours to read
  }
}

function groupOf(pid) {
  try {
    // The name in parentheses may have spaces; then come the state, the parent and the group.
    return Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1).split(' ')[2]);
  } catch {
    return undefined;
  }
}

/** Ends the processes of a run that are outside of these groups. */
export function endOrphans(run, groups) {
  for (const pid of orphansOf(run, groups)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended already
    }
  }
}
