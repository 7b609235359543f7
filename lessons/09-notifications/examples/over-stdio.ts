// The job of `process_files` over standard input and output: a message a line, without HTTP and without an event stream.
import { createInterface } from 'node:readline';
import { documents } from '#support/documents.ts';
import { work } from '#support/work.ts';

for await (const line of createInterface({ input: process.stdin })) {
  const { id, params } = JSON.parse(line);
  for (const [i, { name }] of documents.entries()) {
    send({
      jsonrpc: '2.0',
      method: 'notifications/message',
      params: { level: 'info', data: `Processing file ${i + 1}/${documents.length}...` },
    });
    await work(name);
  }
  send({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: `Done: ${params.arguments.message}` }] } });
}

function send(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
