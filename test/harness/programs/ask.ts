// What the grader asks of a running program: the record, read-only, and the questions.
import { basename } from 'node:path';
import { ownWords } from './printed.ts';
import { endProcess, interruptGroup } from './process.js';
import type { Program } from './program.ts';
import { busyAt, caughtUp, hasBegun, holdDisk, listening, longestTurn, stepDisk } from './questions.ts';
import { releaseDisk, tell, type Running } from './running.ts';

export function ask(program: Running): Program {
  const { name, held, lines, output, child, start } = program;
  const { command, folder, folderName, file } = start;
  let own = { from: '', text: '' };
  return {
    name,
    called: command?.text ?? basename(file),
    command,
    folder,
    folderName,
    held,
    lines,
    begun: hasBegun(program),
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      if (own.from !== output.stderr) own = { from: output.stderr, text: program.shorten(ownWords(output.stderr)) };
      return own.text;
    },
    get timers() {
      return program.timers;
    },
    get listeners() {
      return program.listeners;
    },
    get processorTime() {
      return program.processorTime;
    },
    get fileCalls() {
      return program.fileCalls;
    },
    get watchers() {
      return program.watchers;
    },
    get memory() {
      return program.memory;
    },
    get rows() {
      return program.rows;
    },
    get cursors() {
      return program.cursors;
    },
    get sent() {
      return program.sent;
    },
    get received() {
      return program.received;
    },
    get openFiles() {
      return program.openFiles;
    },
    get workCalls() {
      return program.workCalls;
    },
    get end() {
      return program.end;
    },
    get exitedAt() {
      return program.exitedAt;
    },
    get verdict() {
      return program.verdict;
    },
    get fault() {
      return program.fault;
    },
    caughtUp: (limit) => caughtUp(program, limit),
    busyAt: () => busyAt(program),
    longestTurn: () => longestTurn(program),
    listening: () => listening(program),
    holdDisk: () => holdDisk(program),
    releaseDisk: () => releaseDisk(program),
    stepDisk: () => stepDisk(program),
    finishTable: () => void tell(program, { finishTable: true }),
    write(bytes) {
      start.transcript().add('→', Buffer.from(bytes), start.who);
      child.stdin?.write(bytes);
    },
    endInput() {
      start.transcript().add('→', '(end of the input)', start.who);
      child.stdin?.end();
    },
    interrupt: () => {
      start.transcript().add('→', '(Ctrl+C)', start.who);
      // In a terminal, Ctrl+C reaches all that the command has started.
      if (command && process.platform !== 'win32') interruptGroup(child);
      else if (process.platform !== 'win32') child.kill('SIGINT');
      else tell(program, { interrupt: true });
    },
    stop: () => endProcess(child),
  };
}
