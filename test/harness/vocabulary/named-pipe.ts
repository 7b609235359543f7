// A file that tells when it is opened: opening a named pipe to read waits until somebody writes, and who writes sees it.
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';

/**
 * Makes a named pipe.
 * @returns whether it has been opened to read so far; undefined where the system has no named pipes
 */
export function namedPipe(path: string): (() => boolean) | undefined {
  try {
    execFileSync('mkfifo', [path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  let opened = false;
  return () => (opened ||= hasReader(path));
}

function hasReader(pipe: string): boolean {
  try {
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch {
    return false;
  }
}
