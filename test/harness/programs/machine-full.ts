/**
 * Thrown when this machine has no more of something that the grader needs: ports, processes, space on the disk. It says
 * nothing about a learner's program, so a command ends with exit code 3. Its stack is the sentence: the place in our code
 * helps nobody.
 */
export class MachineFull extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = 'MachineFull';
    this.stack = sentence;
  }
}

/** What the system says when a process cannot be started, as a sentence. */
export const noProcess = (file: string, error: Error): MachineFull =>
  new MachineFull(
    `The grader could not start a process for ${file}: ${error.message}. ` +
      'End other programs on this machine, or raise the limit of processes and open files (ulimit -u, ulimit -n), and run the command again.',
  );

/** What the system says when a program cannot be built, as a sentence. */
export const notBuilt = (file: string, error: Error): MachineFull =>
  new MachineFull(
    `The grader could not write what it makes of ${file}: ${error.message}. ` +
      'Look at the space on the disk and at the permissions of the folder .tmp, and run the command again.',
  );
