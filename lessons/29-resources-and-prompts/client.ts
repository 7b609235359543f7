// This client is finished. It watches a document in the revision that the server prefers, or in 2025-11-25 if you add
// --old, while a second client writes this document and a new one.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport, type McpSubscription } from '@modelcontextprotocol/client';

const [url = 'http://127.0.0.1:3000/mcp', ...options] = process.argv.slice(2);
const uri = 'document:///gettysburg.txt';
const isOld = options.includes('--old');

const reader = await connect('reader', isOld ? 'legacy' : 'auto');
const arrived = new EventTarget();

reader.setNotificationHandler('notifications/resources/updated', ({ params }) => {
  console.log(`UPDATED: ${params.uri}`);
  arrived.dispatchEvent(new Event('updated'));
});
reader.setNotificationHandler('notifications/resources/list_changed', () => {
  console.log('LIST CHANGED');
  arrived.dispatchEvent(new Event('list_changed'));
});

const { resources } = await reader.listResources();
console.log(`RESOURCES: ${resources.map(({ name }) => name).join(', ')}`);
const newName = `diary-${resources.length}.txt`;

let listening: McpSubscription | undefined;
if (isOld) await unlessMissing(reader.subscribeResource({ uri }));
else listening = await reader.listen({ resourceSubscriptions: [uri], resourcesListChanged: true });

// Nobody asks the server for anything here. Somebody else writes, and the news arrives.
const news = Promise.all([once(arrived, 'updated'), once(arrived, 'list_changed')]);
const writer = await connect('writer', 'auto');
await writer.callTool({ name: 'write_document', arguments: { name: 'gettysburg.txt', text: 'Fourscore and seven' } });
await writer.callTool({ name: 'write_document', arguments: { name: newName, text: 'Dear diary' } });
const waiting = new AbortController();
const inVain = sleep(3000, 'in vain', { signal: waiting.signal });
if ((await Promise.race([news, inVain])) === 'in vain') console.log('NO NEWS: the server has not told of both changes');
waiting.abort();
await writer.close();

const document = await unlessMissing(reader.readResource({ uri }));
if (document) console.log(`CONTENTS: ${JSON.stringify(document.contents)}`);
const prompt = { name: 'summarize', arguments: { document: newName, words: '10' } };
const summarize = await unlessMissing(reader.getPrompt(prompt));
if (summarize) console.log(`PROMPT: ${JSON.stringify(summarize.messages)}`);
await listening?.close();
await reader.close();

async function connect(name: string, mode: 'auto' | 'legacy'): Promise<Client> {
  const client = new Client({ name, version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return client;
}

/** An answer of the server. If it is an error, a line says so, and the client goes on. */
async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    console.log(`NOT YET: ${(error as Error).message}`);
  }
}
