// The official SDK, version 2, without sessions: each POST gets a server of its own. It speaks both eras.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { basename, join, relative, resolve } from 'node:path';
import { localhostOriginValidation, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { work } from '#support/work.ts';

const folder = process.env.DOCUMENTS ?? join(import.meta.dirname, '../support/documents');

type Processed = { name: string; words: number; longestSentence: string };
type Failed = { name: string; reason: string };

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

function newServer(): McpServer {
  const server = new McpServer({ name: 'documents', version: '1.0.0' }, { capabilities: { logging: {} } });
  server.registerTool(
    'process_documents',
    {
      description: 'Counts the words of documents',
      inputSchema: z.object({ documents: z.array(z.string()) }),
      outputSchema: z.object({
        documents: z.array(z.object({ name: z.string(), words: z.number(), longestSentence: z.string() })),
        failed: z.array(z.object({ name: z.string(), reason: z.string() })),
      }),
    },
    async ({ documents }, { mcpReq }) => {
      const result: { documents: Processed[]; failed: Failed[] } = { documents: [], failed: [] };
      const progressToken = mcpReq._meta?.progressToken;
      const report = async (progress: number, message: string) => {
        if (progressToken === undefined) return;
        const params = { progressToken, progress, total: documents.length, message };
        await mcpReq.notify({ method: 'notifications/progress', params });
      };
      let done = 0;
      for (const name of documents) {
        mcpReq.signal.throwIfAborted();
        await report(done++, `next: ${name}`);
        try {
          await work(`document ${name}`);
          const found = analyse(name, await load(name));
          result.documents.push(found);
          await mcpReq.log('info', `${name} has ${found.words} words`);
        } catch (error) {
          const reason = (error as Error).message;
          result.failed.push({ name, reason });
          await mcpReq.log('warning', `${name} failed: ${reason}`);
        }
      }
      await report(done, 'done');
      return { content: [{ type: 'text', text: JSON.stringify(result) }], structuredContent: result };
    },
  );
  return server;
}

const handle = toNodeHandler(createMcpHandler(newServer));
const allowed = localhostOriginValidation();
createServer((request, response) => {
  if (allowed(request, response)) void handle(request, response);
}).listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
