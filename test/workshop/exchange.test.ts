// The record of an exchange stays small, whatever a server sends.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { exchange, type Exchange } from '../harness/wire/exchange.ts';
import { transcript } from '../harness/wire/transcript.ts';

/** Asks a server that answers like this, and waits until the exchange is over. */
async function ask(answer: RequestListener): Promise<{ sent: Exchange; looks: number }> {
  const server = createServer(answer);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  let look = () => {};
  let looks = 0;
  const record = { entries: [], add: () => {} } as unknown as ReturnType<typeof transcript>;
  const changed = () => {
    looks++;
    look();
  };
  const sent = exchange(new URL(`http://127.0.0.1:${port}/stream`), {}, changed, () => record);
  onTestFinished(() => sent.close());
  await new Promise<void>((resolve) => {
    look = () => (sent.ended || sent.broken !== undefined) && resolve();
    look();
  });
  return { sent, looks };
}

test('millions of tiny chunks: the grader keeps the first of them, and says that it stopped', async () => {
  const { sent, looks } = await ask((_request, response) => {
    // Written by hand: a server of its own process sends them faster than Node's response would.
    const many = Buffer.from('1\r\nx\r\n'.repeat(10_000));
    const { socket } = response;
    socket!.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const more = () => {
      while (!socket!.destroyed && socket!.write(many));
      socket!.once('drain', more);
    };
    socket!.on('error', () => {});
    more();
  });
  expect(sent.chunks.length).toBe(200_000);
  expect(sent.tooMuch?.cause).toBe(
    'Your server sent more than 200,000 chunks in response to GET /stream; the grader stopped reading there.',
  );
  expect(sent.broken).toBe('more than 200,000 chunks came, and the grader stopped reading');
  expect(looks, 'one look for each read of the connection').toBeLessThan(20_000);
});

test('a body without an end: the grader keeps so many bytes, and says that it stopped', async () => {
  const { sent } = await ask((_request, response) => {
    const piece = Buffer.alloc(1024 ** 2);
    const more = () => {
      while (!response.destroyed && response.write(piece));
      response.once('drain', more);
    };
    response.on('error', () => {});
    more();
  });
  const kept = sent.chunks.reduce((sum, { bytes }) => sum + bytes.length, 0);
  expect(kept).toBeLessThan(129 * 1024 ** 2);
  expect(sent.tooMuch?.cause).toContain('more than 128 MiB');
});

test('a body of a few chunks is whole, a character that is cut in two too', async () => {
  const bytes = Buffer.from('é世🎈');
  const { sent } = await ask((_request, response) => {
    response.write(bytes.subarray(0, 3));
    setImmediate(() => response.end(bytes.subarray(3)));
  });
  expect(sent.text).toBe('é世🎈');
  expect(sent.tooMuch).toBe(undefined);
});

test('bytes that are no text at the end of a body can be seen', async () => {
  const { sent } = await ask((_request, response) => response.end(Buffer.from([0x61, 0xf0, 0x9f])));
  expect(sent.text).toBe('a\ufffd');
});
