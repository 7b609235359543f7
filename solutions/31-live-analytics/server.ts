// The server of this stretch goal. The README of this lesson says what it has to do; how it does this is up to you.
import { growingLog } from '#support/growing-log.ts';

/** The log that the tool follows. */
const file = process.env.LOG ?? growingLog();

// #region task 1: offer the tool watch_log at /mcp, and send the counts for each `every` lines
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import express from 'express';
import { z } from 'zod';
import { listen, onlyThisMachine } from '#support/mcp-http.ts';

const input = z.object({
  every: z.int().min(1).describe('send the counts each time that so many lines have come'),
  lines: z.int().min(1).optional().describe('end after so many lines; without it, follow the log until cancelled'),
});

const output = z.object({
  lines: z.int(),
  malformed: z.int(),
  statuses: z.record(z.string(), z.int()),
  slowest: z.object({ path: z.string(), ms: z.int() }).optional(),
});

type Counts = z.infer<typeof output>;

/** Adds one line to the counts. Only these are kept, so the memory stays the same however long the log is. */
function count(counts: Counts, line: string): void {
  counts.lines++;
  const [, path, status, ms] = /^[A-Z]+ (\S+) (\d{3}) (\d+)$/.exec(line) ?? [];
  if (path === undefined || status === undefined) {
    counts.malformed++;
    return;
  }
  counts.statuses[status] = (counts.statuses[status] ?? 0) + 1;
  if (!counts.slowest || Number(ms) > counts.slowest.ms) counts.slowest = { path, ms: Number(ms) };
}

/** Yields the bytes of a file, and then those that are appended to it. Yields null when the file begins again. */
async function* bytesOf(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array | null> {
  const buffer = Buffer.alloc(64 * 1024);
  let position = 0;
  while (true) {
    signal.throwIfAborted();
    // The file may be missing for a moment, while a new one takes its place.
    const log = await open(path).catch(() => undefined);
    const { size } = (await log?.stat()) ?? { size: 0 };
    if (size < position) {
      position = 0;
      yield null;
    }
    const { bytesRead } = (await log?.read(buffer, 0, buffer.length, position)) ?? { bytesRead: 0 };
    await log?.close();
    position += bytesRead;
    if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
    else await sleep(50, undefined, { signal });
  }
}

/** Yields the lines of a file, each when its line break has been written. */
async function* linesOf(path: string, signal: AbortSignal): AsyncGenerator<string> {
  let decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of bytesOf(path, signal)) {
    if (!bytes) {
      decoder = new TextDecoder();
      rest = '';
      continue;
    }
    const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r?\n/);
    rest = lines.pop()!;
    yield* lines;
  }
}

/** Makes the server that answers one request. The next request gets a server of its own. */
function makeServer(): McpServer {
  const server = new McpServer({ name: 'live-analytics', version: '1.0.0' }, { capabilities: { logging: {} } });
  server.registerTool(
    'watch_log',
    { description: 'Follows a log, and counts its lines', inputSchema: input, outputSchema: output },
    async ({ every, lines = Infinity }, { mcpReq }) => {
      const counts: Counts = { lines: 0, malformed: 0, statuses: {} };
      for await (const line of linesOf(file, mcpReq.signal)) {
        count(counts, line);
        if (counts.lines % every === 0) await mcpReq.log('info', counts, 'watch_log');
        if (counts.lines >= lines) break;
      }
      return { content: [{ type: 'text', text: JSON.stringify(counts) }], structuredContent: counts };
    },
  );
  return server;
}

const app = express();
app.use('/mcp', onlyThisMachine);
app.all('/mcp', async (request, response) => {
  const handler = createMcpHandler(() => {
    const server = makeServer();
    response.on('close', () => void server.close());
    return server;
  });
  await toNodeHandler(handler)(request, response);
});
listen(app);
// #endregion
