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

/** The words of each document are kept until the end, and the index is made in one go. */
function indexOf(texts: Map<string, string>): Record<string, string[]> {
  const pairs = [...texts].flatMap(([name, text]) =>
    text.split(/\s+/).map((word) => [word.toLowerCase().replaceAll(/^[^\p{L}\p{N}_]+|[^\p{L}\p{N}_]+$/gu, ''), name]),
  ) as [string, string][];
  const terms = [...new Set(pairs.map(([term]) => term))].filter(Boolean).sort();
  const names = new Map(terms.map((term) => [term, new Set<string>()]));
  for (const [term, name] of pairs) names.get(term)?.add(name);
  return Object.fromEntries([...names].map(([term, set]) => [term, Array.from(set)]));
}

function newServer(): McpServer {
  const server = new McpServer({ name: 'documents', version: '1.0.0' }, { capabilities: { logging: {} } });
  server.registerTool(
    'process_documents',
    {
      inputSchema: z.object({ documents: z.array(z.string()) }),
      outputSchema: z.object({
        documents: z.array(z.object({ name: z.string(), words: z.number(), longestSentence: z.string() })),
        failed: z.array(z.object({ name: z.string(), reason: z.string() })),
        index: z.record(z.string(), z.array(z.string())),
      }),
    },
    async ({ documents }, { mcpReq }) => {
      const result: Result = { documents: [], failed: [], index: {} };
      const texts = new Map<string, string>();
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
          const text = await load(name);
          const found = analyse(name, text);
          texts.set(name, text);
          result.documents.push(found);
          await mcpReq.log('info', `${name} has ${found.words} words`);
        } catch (error) {
          const reason = (error as Error).message;
          result.failed.push({ name, reason });
          await mcpReq.log('warning', `${name} failed: ${reason}`);
        }
      }
      await report(done, 'done');
      result.index = indexOf(texts);
      return { content: [{ type: 'text', text: JSON.stringify(result) }], structuredContent: result };
    },
  );
  return server;
}

const allowed = localhostOriginValidation();
createServer((request, response) => {
  if (!allowed(request, response)) return;
  const handler = createMcpHandler(() => {
    const server = newServer();
    response.on('close', () => void server.close());
    return server;
  });
  void toNodeHandler(handler)(request, response);
}).listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
