// Reads what a program prints, as it comes.
import { StringDecoder } from 'node:string_decoder';
import { checkOutput } from './limits.ts';
import type { Running } from './running.ts';

/** Reads both streams until they end, or until a limit has stopped the program. */
export function readOutput(program: Running): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    const decoder = new StringDecoder('utf8');
    // Without a process, there are no streams.
    program.child[stream]?.on('data', (bytes: Buffer) => {
      if (program.verdict) return;
      const text = decoder.write(bytes);
      program.output.bytes += bytes.length;
      program.output[stream] += text;
      if (stream === 'stdout') {
        if (program.start.input) program.start.transcript().add('←', bytes, program.start.who);
        addLines(program, text);
      }
      checkOutput(program, stream);
      program.start.changed();
    });
  }
  program.atEnd.push(() => {
    if (program.unfinished !== '') addLine(program, program.unfinished);
  });
}

function addLines(program: Running, text: string): void {
  // To look for line breaks in the whole unfinished line, again and again, takes too long when it is long.
  if (!text.includes('\n')) {
    program.unfinished += text;
    return;
  }
  const parts = (program.unfinished + text).split('\n');
  program.unfinished = parts.pop()!;
  for (const line of parts) addLine(program, line.endsWith('\r') ? line.slice(0, -1) : line);
}

function addLine({ lines, start: { file, who, input, transcript } }: Running, line: string): void {
  lines.push(line);
  if (file === 'client.ts' && !input) transcript().add('▸', line, who);
}
