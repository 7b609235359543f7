// A program that a command started, in any language: nothing of ours is in its process. What is known of it comes from
// the system, and from the work clock if the program connects to it.
import { MachineFault } from './machine-fault.js';
import { endProcess, spawnToolHost } from './process.js';
import { readUntilEnd } from './work-socket.ts';
import { stopFor, type Running } from './running.ts';

/** Codes of the system for a program that is not there, or that it may not run. */
const refusals: Record<string, [cause: string, advice: string]> = {
  ENOENT: [
    'could not be started, because the system finds no program of that name',
    "Look at the spelling, and at whether the program is installed. A name with a slash is looked for in the lesson's folder, and a name without a slash in the folders of the variable PATH.",
  ],
  EACCES: [
    'could not be started, because the system may not run this file',
    'Make the file executable (chmod +x), or name the program that runs it first, such as python3.',
  ],
  ENOEXEC: [
    'could not be started, because the file is not a program',
    'Compile the program first. A script needs a first line such as #!/usr/bin/env python3.',
  ],
};

/** Sees to it that a command that starts nothing gets a verdict, and listens for the program's work. */
export function watchCommand(program: Running): void {
  const { child, start, name } = program;
  child.once('error', (error: NodeJS.ErrnoException) => {
    if (child.pid !== undefined) return;
    const [cause, advice] = refusals[error.code ?? ''] ?? [];
    if (cause && advice) return stopFor(program, { cause: `${name} ${cause}.`, advice, at: name });
    program.fault = new MachineFault(
      `The grader could not start ${name}: ${error.message}.\n` +
        'This says nothing about your programs. End some processes, or free some memory, and check again.',
    );
    start.changed();
  });
  readUntilEnd(program);
  hostTools(program);
}

/** Runs the tools that the grader brings along, in a process of ours, and gives it each connection of the program. */
function hostTools(program: Running): void {
  const { env = {}, workSocket, toolSocket } = program.start;
  if (!toolSocket || env.MORE_TOOLS === undefined || program.child.pid === undefined) return;
  const host = spawnToolHost({ ...env, WORK_CLOCK: workSocket?.address ?? '' });
  host.on('error', () => {}); // without it, the program finds no tools
  toolSocket.server.on('connection', (socket) => void host.send('connection', socket, () => {}));
  program.helpers.push(host.pid);
  program.atEnd.push(() => {
    toolSocket.server.close();
    endProcess(host);
  });
}
