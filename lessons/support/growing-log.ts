// Stands in for the log of a web server: a file that grows while your server runs.
import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const paths = ['/', '/kitchen', '/garden', '/café/menu', '/search?q=tea'];
const statuses = [200, 200, 200, 200, 304, 404, 500];

/**
 * Begins a log in a new folder for temporary files, and writes ten lines a second to it, each line in two pieces.
 *
 * @returns the path of the file
 */
export function growingLog(): string {
  const path = join(mkdtempSync(join(tmpdir(), 'live-analytics-')), 'access.log');
  writeFileSync(path, '');
  let pieces = 0;
  const write = () => {
    const line = Math.floor(pieces / 2);
    const firstHalf = `GET ${paths[line % paths.length]} `;
    const secondHalf = `${statuses[line % statuses.length]} ${(line * 37) % 300}\n`;
    appendFileSync(path, pieces++ % 2 === 0 ? firstHalf : secondHalf);
  };
  setInterval(write, 50).unref();
  return path;
}
