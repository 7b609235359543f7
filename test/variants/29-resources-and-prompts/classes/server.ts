// The same with classes: a library that knows its readers, and a server that is made of it.
import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  completable,
  McpServer,
  ProtocolError,
  ResourceNotFoundError,
  ResourceTemplate,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { endpoint } from '#support/endpoint.ts';
import { documentNames, folder, mimeTypeOf, nameIn, textOf, uriOf } from '#support/library.ts';
import { listen } from '#support/mcp-http.ts';
import { work } from '#support/work.ts';

class Entry {
  readonly name: string;
  readonly uri: string;
  constructor(name: string) {
    this.name = name;
    this.uri = uriOf(name);
  }
  static async all(): Promise<Entry[]> {
    return (await documentNames()).map((name) => new Entry(name));
  }
  static async at(uri: string): Promise<Entry> {
    const found = (await Entry.all()).find(({ name }) => name === nameIn(uri));
    if (!found) throw new ResourceNotFoundError(uri);
    return found;
  }
  get resource() {
    const { name, uri } = this;
    return { name, uri, mimeType: mimeTypeOf(name), size: statSync(resolve(folder, name)).size, annotations: {} };
  }
  get contents() {
    const bytes = readFileSync(resolve(folder, this.name));
    const about = {
      uri: this.uri,
      mimeType: mimeTypeOf(this.name),
      _meta: { sha: createHash('sha1').update(bytes).digest('hex') },
    };
    const text = textOf(bytes);
    return text === undefined ? { ...about, blob: bytes.toString('base64') } : { ...about, text };
  }
}

class Readers {
  readonly #uris = new Map<McpServer, string[]>();
  add(server: McpServer): void {
    this.#uris.set(server, []);
    server.server.setRequestHandler('resources/subscribe', async ({ params }) => {
      const uris = this.#uris.get(server)!;
      if (!uris.includes(params.uri)) uris.push(params.uri);
      return {};
    });
    server.server.setRequestHandler('resources/unsubscribe', async ({ params }) => {
      this.#uris.set(
        server,
        this.#uris.get(server)!.filter((uri) => uri !== params.uri),
      );
      return {};
    });
  }
  async tell(uri: string, isNew: boolean): Promise<void> {
    for (const server of this.#uris.keys()) {
      // A server of a single request tells nobody.
      if (!sessions.has(server)) this.#uris.delete(server);
    }
    const told = [...this.#uris].map(async ([server, uris]) => {
      if (isNew) await server.server.sendResourceListChanged();
      if (uris.includes(uri)) await server.server.sendResourceUpdated({ uri });
    });
    await Promise.allSettled(told);
    if (isNew) notify.resourcesChanged();
    notify.resourceUpdated(uri);
  }
}

const readers = new Readers();

class Library extends McpServer {
  constructor() {
    super(
      { name: 'library', version: '1.2.3' },
      {
        capabilities: { resources: { subscribe: true, listChanged: true }, logging: {} },
        cacheHints: { 'resources/list': { ttlMs: 60_000, cacheScope: 'public' } },
      },
    );
    readers.add(this);
    this.registerTool(
      'write_document',
      { inputSchema: z.object({ name: z.string().regex(/^[^/\\]+$/), text: z.string() }) },
      async ({ name, text }) => {
        await work('before');
        const isNew = !(await documentNames()).includes(name);
        writeFileSync(resolve(folder, name), text);
        await readers.tell(uriOf(name), isNew);
        await work('after');
        return { content: [] };
      },
    );
    const complete = async (value: string) =>
      (await documentNames()).filter((name) => name.indexOf(value) === 0).reverse();
    this.registerResource(
      'documents',
      new ResourceTemplate('document:///{name}', {
        list: async () => ({ resources: (await Entry.all()).map(({ resource }) => resource) }),
        complete: { name: complete },
      }),
      {},
      async ({ href }) => ({ contents: [(await Entry.at(href)).contents] }),
    );
    const argsSchema = z.object({ document: completable(z.string(), complete), words: z.string().optional() });
    this.registerPrompt('summarize', { title: 'Summarize', description: 'Short', argsSchema }, async (args) => {
      const words = args.words ?? '50';
      if (words === '' || [...words].some((char) => char < '0' || char > '9')) {
        throw new ProtocolError(-32602, 'words must be digits');
      }
      const { contents: resource } = await Entry.at(uriOf(args.document));
      const user = 'user' as const;
      return {
        messages: [
          { role: user, content: { type: 'resource', resource } },
          { role: user, content: { type: 'text', text: `In ${words} words` } },
        ],
      };
    });
  }
}

const { app, sessions, notify } = endpoint(() => new Library());
listen(app);
