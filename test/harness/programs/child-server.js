// A server that a learner's client starts as its child. It does nothing by itself: over a socket it tells the grader what
// comes, and does what the grader says.
// node child-server.js PORT …
import { closeSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const [port, ...args] = process.argv.slice(2);
const grader = connect(Number(port), '127.0.0.1');
const tell = (what) => grader.write(`${JSON.stringify(what)}\n`);

tell({ args });
process.stdin.on('data', (bytes) => tell({ input: bytes.toString('base64') }));
process.stdin.on('end', () => tell({ inputEnded: true }));
process.stdin.on('error', () => {});
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => tell({ signal }));

createInterface({ input: grader }).on('line', (line) => {
  const { order, print, printError, closeInput, closeOutput, exit } = JSON.parse(line);
  if (print !== undefined) write(1, Buffer.from(print, 'base64'));
  if (printError !== undefined) write(2, Buffer.from(printError));
  if (closeInput) {
    // Node.js never closes a standard stream by itself.
    process.stdin.destroy();
    setImmediate(() => closeSync(0));
  }
  if (closeOutput) closeSync(1);
  if (exit !== undefined) process.exit(exit);
  // What was closed is closed in the next turn of the event loop.
  setImmediate(() => tell({ done: order }));
});
grader.on('error', () => process.exit(1));
grader.on('close', () => process.exit(0));

/** Writes immediately. The client may have closed the other end. */
function write(descriptor, bytes) {
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(descriptor, bytes, written);
    } catch (error) {
      if (error.code !== 'EAGAIN') return;
    }
  }
}
