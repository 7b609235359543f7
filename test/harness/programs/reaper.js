// Reads the process ids of learners' programs from its standard input; when that closes, ends those that are left.
// Its argument is the mark of the run, which what left its group on purpose has too.
import { spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endOrphans } from './orphans.js';

const alive = new Set();

createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line.startsWith('+')) alive.add(Number(line.slice(1)));
    else alive.delete(Number(line.slice(1)));
  })
  .on('close', () => {
    for (const pid of alive) {
      try {
        if (process.platform === 'win32') spawnSync('taskkill', ['/pid', String(pid), '/T', '/F']);
        else process.kill(-pid, 'SIGKILL');
      } catch {
        // it has ended already
      }
    }
    endOrphans(process.argv[2]);
  });
