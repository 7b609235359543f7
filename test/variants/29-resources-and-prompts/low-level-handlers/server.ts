// All methods with handlers of the lower level: the SDK registers nothing itself, and the list comes in pages.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { McpServer, ProtocolError, ResourceNotFoundError } from '@modelcontextprotocol/server';
import { endpoint } from '#support/endpoint.ts';
import { documentNames, folder, mimeTypeOf, nameIn, textOf, uriOf } from '#support/library.ts';
import { listen } from '#support/mcp-http.ts';
import { work } from '#support/work.ts';

const pageSize = 4;
const listening = new Map<string, Set<McpServer>>();

const own = endpoint(() => {
  const mcp = new McpServer(
    { name: 'pages', version: '2.0.0' },
    {
      capabilities: {
        tools: {},
        resources: { subscribe: true, listChanged: true },
        prompts: {},
        completions: {},
      },
      cacheHints: { 'resources/list': { ttlMs: 60_000, cacheScope: 'public' } },
    },
  );
  const { server } = mcp;

  server.setRequestHandler('tools/list', () => ({
    tools: [
      {
        name: 'write_document',
        inputSchema: { type: 'object' as const, properties: { name: { type: 'string' }, text: { type: 'string' } } },
      },
    ],
  }));
  server.setRequestHandler('tools/call', async ({ params }) => {
    const { name, text } = params.arguments as { name: string; text: string };
    await work('before');
    const before = await documentNames();
    await writeFile(join(folder, name), text);
    for (const reader of listening.get(uriOf(name)) ?? []) {
      if (own.sessions.has(reader)) await reader.server.sendResourceUpdated({ uri: uriOf(name) }).catch(() => {});
    }
    own.notify.resourceUpdated(uriOf(name));
    if (!before.includes(name)) {
      own.sessions.forEach((each) => each.sendResourceListChanged());
      own.notify.resourcesChanged();
    }
    await work('after');
    return { content: [{ type: 'text', text: 'written' }] };
  });

  server.setRequestHandler('resources/list', async ({ params }) => {
    const names = (await documentNames()).reverse();
    const from = Number(params?.cursor ?? 0);
    const resources = [];
    for (const name of names.slice(from, from + pageSize)) {
      const { size } = await stat(join(folder, name));
      resources.push({ name, title: name.toUpperCase(), uri: uriOf(name), size, mimeType: mimeTypeOf(name) });
    }
    return { resources, ...(from + pageSize < names.length && { nextCursor: String(from + pageSize) }) };
  });
  server.setRequestHandler('resources/templates/list', () => ({
    resourceTemplates: [
      { name: 'further', uriTemplate: 'other:///{id}' },
      { name: 'documents', uriTemplate: 'document:///{name}' },
    ],
  }));
  server.setRequestHandler('resources/read', async ({ params: { uri } }) => ({ contents: [await item(uri)] }));
  server.setRequestHandler('resources/subscribe', ({ params: { uri } }) => {
    if (!listening.has(uri)) listening.set(uri, new Set());
    listening.get(uri)!.add(mcp);
    return {};
  });
  server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) => {
    listening.get(uri)?.delete(mcp);
    return {};
  });

  server.setRequestHandler('prompts/list', () => ({
    prompts: [
      {
        name: 'summarize',
        description: 'A summary',
        arguments: [
          { name: 'words', required: false },
          { name: 'document', required: true },
        ],
      },
    ],
  }));
  server.setRequestHandler('prompts/get', async ({ params: { name, arguments: args = {} } }) => {
    if (name !== 'summarize') throw new ProtocolError(-32602, 'there is no such prompt');
    if (args.document === undefined) throw new ProtocolError(-32602, 'document is missing');
    if (args.words !== undefined && !/^[0-9]+$/.test(args.words)) throw new ProtocolError(-32602, 'words is no number');
    const text = `${args.words ?? 50} words, please.`;
    return {
      description: 'A summary',
      messages: [
        { role: 'user', content: { type: 'resource', resource: await item(uriOf(args.document)) } },
        { role: 'user', content: { type: 'text', text } },
      ],
    };
  });
  server.setRequestHandler('completion/complete', async ({ params: { argument } }) => {
    if (argument.name === 'words') return { completion: { values: [] } };
    const all = (await documentNames()).filter((name) => name.startsWith(argument.value));
    return { completion: { values: all.slice(0, 100), total: all.length, hasMore: all.length > 100 } };
  });
  return mcp;
});

async function item(uri: string) {
  const name = nameIn(uri);
  const path = join(folder, name);
  const inside = uri.startsWith('document:///') && path.startsWith(folder + sep) && path === folder + sep + name;
  const bytes = inside ? await readFile(path).catch(() => undefined) : undefined;
  if (!bytes) throw new ResourceNotFoundError(uri, 'nothing is there');
  const text = textOf(bytes);
  const about = { uri: uriOf(name), mimeType: mimeTypeOf(name) };
  return text === undefined ? { ...about, blob: bytes.toString('base64') } : { ...about, text };
}

listen(own.app);
