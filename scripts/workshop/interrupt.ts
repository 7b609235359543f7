import { endAllPrograms } from '../../test/harness/programs/pool.js';

/** Calls `leave` when somebody interrupts the command, with Ctrl+C or otherwise. */
export function onInterrupt(leave: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, leave);
}

/** Ends every program, and then this process. */
export function leaveWith(code: number): never {
  endAllPrograms();
  process.exit(code);
}
