// The official SDK, version 1, with sessions, on Express. Its app checks the Host only, so the Origin is checked here.
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';
import { onlyThisMachine } from '#support/mcp-http.ts';
import { work } from '#support/work.ts';

const folder = process.env.DOCUMENTS ?? join(import.meta.dirname, '../support/documents');

type Processed = { name: string; words: number; longestSentence: string };
type Failed = { name: string; reason: string };
type Result = { documents: Processed[]; failed: Failed[]; index: Record<string, string[]> };

async function load(name: string): Promise<string> {
  const path = resolve(folder, name);
  if (relative(folder, path) !== basename(path)) throw new Error('not a name of a document');
  const bytes = await readFile(path);
  const utf8 = bytes.toString('utf8');
  if (bytes.subarray(0, 2).equals(Buffer.from([255, 254]))) return bytes.subarray(2).toString('utf16le');
  if (!Buffer.from(utf8).equals(bytes)) return bytes.toString('latin1');
  return utf8.replace(/^\ufeff/, '');
}

function analyse(name: string, text: string): Processed {
  const words = text.match(/\S+/g) ?? [];
  const sentences: string[][] = [[]];
  for (const each of words) {
    sentences.at(-1)!.push(each);
    if (['.', '!', '?'].includes(each.at(-1)!)) sentences.push([]);
  }
  sentences.sort((a, b) => b.length - a.length);
  return { name, words: words.length, longestSentence: sentences[0]!.join(' ') };
}

/** An object without a prototype has no member that a word could meet. */
function addTo(index: Record<string, string[]>, name: string, text: string): void {
  for (const word of text.match(/[\p{L}\p{N}_]\S*/gu) ?? []) {
    const term = word.toLowerCase().replace(/[^\p{L}\p{N}_]+$/u, '');
    const names = (index[term] ??= []);
    if (!names.includes(name)) names.push(name);
  }
}

function newServer(): McpServer {
  const server = new McpServer({ name: 'documents', version: '1.0.0' }, { capabilities: { logging: {} } });
  server.registerTool(
    'process_documents',
    {
      description: 'Counts the words of documents',
      inputSchema: { documents: z.array(z.string()) },
      outputSchema: {
        documents: z.array(z.object({ name: z.string(), words: z.number(), longestSentence: z.string() })),
        failed: z.array(z.object({ name: z.string(), reason: z.string() })),
        index: z.record(z.string(), z.array(z.string())),
      },
    },
    async ({ documents }, { _meta, signal, sendNotification }) => {
      const result: Result = { documents: [], failed: [], index: Object.create(null) };
      const progressToken = _meta?.progressToken;
      const report = async (progress: number, message: string) => {
        if (progressToken === undefined) return;
        const params = { progressToken, progress, total: documents.length, message };
        await sendNotification({ method: 'notifications/progress', params });
      };
      const log = (level: 'info' | 'warning', data: string) =>
        sendNotification({ method: 'notifications/message', params: { level, data } });
      let done = 0;
      for (const name of documents) {
        signal.throwIfAborted();
        await report(done++, `next: ${name}`);
        try {
          await work(`document ${name}`);
          const text = await load(name);
          const found = analyse(name, text);
          addTo(result.index, name, text);
          result.documents.push(found);
          await log('info', `${name} has ${found.words} words`);
        } catch (error) {
          const reason = (error as Error).message;
          result.failed.push({ name, reason });
          await log('warning', `${name} failed: ${reason}`);
        }
      }
      await report(done, 'done');
      return { content: [{ type: 'text', text: JSON.stringify(result) }], structuredContent: result };
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
