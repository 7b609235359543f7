import { readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  completable,
  McpServer,
  ResourceNotFoundError,
  ResourceTemplate,
  type BlobResourceContents,
  type Resource,
  type TextResourceContents,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { endpoint } from '#support/endpoint.ts';
import { documentNames, folder, mimeTypeOf, nameIn, textOf, uriOf } from '#support/library.ts';
import { listen } from '#support/mcp-http.ts';
import { work } from '#support/work.ts';

/** Makes a server: for one session of an old client, or for one request of a new client. */
function makeServer(): McpServer {
  const server = new McpServer(
    { name: 'chunk-by-chunk', version: '1.0.0' },
    {
      // TODO task 2: say that clients can subscribe, and how long new clients may keep the list
    },
  );
  offerWriting(server);
  offerDocuments(server);
  rememberSubscriptions(server);
  offerPrompts(server);
  return server;
}

/** Offers a tool with which any client can write a document. */
function offerWriting(server: McpServer): void {
  const description = 'Writes a document: a new one, or a new text in place of the old one';
  const inputSchema = z.object({ name: z.string(), text: z.string() });
  server.registerTool('write_document', { description, inputSchema }, async ({ name, text }) => {
    if (basename(name) !== name) throw new Error('the name of a document has no slashes');
    await work(`checking ${name}`);
    const isNew = !(await documentNames()).includes(name);
    await writeFile(join(folder, name), text);
    tellOfChange(uriOf(name), isNew);
    await work(`archiving ${name}`);
    return { content: [{ type: 'text', text: `Written: ${name}` }] };
  });
}

/** Offers each document as a resource, also those that come later. */
function offerDocuments(server: McpServer): void {
  const template = new ResourceTemplate('document:///{name}', {
    // TODO task 1: list all documents, and complete a name
    list: undefined,
  });
  server.registerResource('document', template, { description: 'A document of the library' }, async ({ href }) => ({
    contents: [await contentsOf(href)],
  }));
}

/** Describes a document, with its size in bytes. */
async function resourceOf(name: string): Promise<Resource> {
  const { size } = await stat(join(folder, name));
  return { uri: uriOf(name), name, mimeType: mimeTypeOf(name), size };
}

/** What is in the document with this URI: a text, or bytes in base64. */
async function contentsOf(uri: string): Promise<TextResourceContents | BlobResourceContents> {
  const name = nameIn(uri);
  const mimeType = mimeTypeOf(name);
  // TODO task 1: refuse a name that no document has, and read the document
  throw new ResourceNotFoundError(uri);
}

async function namesBeginningWith(beginning: string): Promise<string[]> {
  // TODO task 1: complete a name
  return [];
}

/** The URIs that an old client has subscribed to, by the server of its session. They go when the session goes. */
const subscriptions = new WeakMap<McpServer, Set<string>>();

/** Answers resources/subscribe and resources/unsubscribe of an old client. */
function rememberSubscriptions(server: McpServer): void {
  const uris = new Set<string>();
  subscriptions.set(server, uris);
  server.server.setRequestHandler('resources/subscribe', ({ params: { uri } }) => {
    uris.add(uri);
    return {};
  });
  server.server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) => {
    uris.delete(uri);
    return {};
  });
}

/** Tells clients that a document has been written: those that have subscribed to it, and all of them if it is new. */
function tellOfChange(uri: string, isNew: boolean): void {
  for (const server of sessions) {
    // TODO task 2: tell the client of this session
  }
  // TODO task 2: tell all new clients that listen
}

/** Offers prompts, which a person chooses and a host sends to its model. */
function offerPrompts(server: McpServer): void {
  const description = 'Asks for a summary of one document';
  const argsSchema = z.object({
    document: completable(z.string().describe('the name of the document'), namesBeginningWith),
    words: z.string().regex(/^\d+$/).optional().describe('how long the summary may be, 50 if it is left out'),
  });
  // TODO task 3: register the prompt summarize
}

const { app, sessions, notify } = endpoint(makeServer);

listen(app);
