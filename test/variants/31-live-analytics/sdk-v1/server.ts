// The official SDK, version 1, with sessions. It reads the whole file each time, and counts from the unfinished line on.
import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';
import { growingLog } from '#support/growing-log.ts';
import { onlyThisMachine } from '#support/mcp-http.ts';

const file = process.env.LOG ?? growingLog();
const wholeFromOne = z.number().int().min(1);

function newServer(): McpServer {
  const server = new McpServer({ name: 'log', version: '1.0.0' }, { capabilities: { logging: {} } });
  server.registerTool(
    'watch_log',
    {
      inputSchema: { every: wholeFromOne, lines: wholeFromOne.optional() },
      outputSchema: {
        lines: z.number(),
        malformed: z.number(),
        statuses: z.record(z.string(), z.number()),
        slowest: z.object({ path: z.string(), ms: z.number() }).optional(),
      },
    },
    async ({ every, lines: limit }, { signal, sendNotification }) => {
      const counts: any = { lines: 0, malformed: 0, statuses: {} };
      let begun = 0;
      while (true) {
        const size = await stat(file).then(
          (stats) => stats.size,
          () => 0,
        );
        if (size < begun) begun = 0;
        // It begins at the start of the unfinished line, so it keeps no rest.
        const bytes = size > begun ? (await readFile(file)).subarray(begun) : Buffer.alloc(0);
        const end = bytes.lastIndexOf('\n') + 1;
        begun += end;
        for (const line of bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1)) {
          counts.lines++;
          const found = /^[A-Z]+ (?<path>\S+) (?<status>\d{3}) (?<ms>\d+)\r?$/.exec(line)?.groups;
          if (!found) counts.malformed++;
          else {
            const { path, status, ms } = found as { path: string; status: string; ms: string };
            counts.statuses[status] = 1 + (counts.statuses[status] ?? 0);
            if (counts.slowest === undefined || counts.slowest.ms < Number(ms)) {
              counts.slowest = { path, ms: Number(ms) };
            }
          }
          if (counts.lines % every === 0) {
            const params = { level: 'info' as const, data: structuredClone(counts) };
            await sendNotification({ method: 'notifications/message', params });
          }
          if (counts.lines === limit) {
            return { content: [{ type: 'text', text: JSON.stringify(counts) }], structuredContent: counts };
          }
        }
        await sleep(30, undefined, { signal });
      }
    },
  );
  return server;
}

const transports: Record<string, StreamableHTTPServerTransport> = {};
const app = createMcpExpressApp();
app.use(onlyThisMachine);
app.all('/mcp', async (request, response) => {
  const id = request.get('mcp-session-id');
  let transport = id === undefined ? undefined : transports[id];
  if (id !== undefined && !transport) {
    response.status(404).end();
    return;
  }
  if (!transport) {
    const made: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (session) => void (transports[session] = made),
    });
    transport = made;
    await newServer().connect(transport as never);
  }
  await transport.handleRequest(request, response, request.body);
});
app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
