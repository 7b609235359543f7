// The official SDK, version 1: a server for each session. Its transport keeps what a stream cannot take, without a bound and
// unseen. So each member has a queue of its own, and hands on a message only when the response wants more.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express, { type Response } from 'express';
import { z } from 'zod';
import { onlyThisMachine } from '#support/mcp-http.ts';

type Member = {
  id: string;
  server: McpServer;
  transport: StreamableHTTPServerTransport;
  name?: string | undefined;
  stream?: Response | undefined;
  queue: object[];
  size: number;
  pumping: boolean;
};

const members = new Map<string, Member>();
const inRoom = () => [...members.values()].filter(({ name }) => name !== undefined);

async function pump(member: Member): Promise<void> {
  if (member.pumping) return;
  member.pumping = true;
  while (member.stream && member.queue.length > 0) {
    const { stream } = member;
    if (stream.writableNeedDrain) await Promise.race([once(stream, 'drain'), once(stream, 'close')]).catch(() => {});
    const data = member.queue.shift();
    if (!data) break;
    member.size -= JSON.stringify(data).length;
    await member.server.sendLoggingMessage({ level: 'notice', logger: 'chat', data }, member.id).catch(() => {});
    await turn();
  }
  member.pumping = false;
}

function tell(data: object, except?: Member): void {
  const others = inRoom().filter((member) => member !== except);
  for (const member of others) {
    member.queue.push(data);
    member.size += JSON.stringify(data).length;
    void pump(member);
  }
  for (const member of others) {
    if (member.size < 1024 ** 2) continue;
    const { stream } = member;
    leave(member, 'too slow');
    stream?.destroy();
  }
}

function leave(member: Member, reason?: string): void {
  if (member.name === undefined) return;
  const left = member.name;
  member.name = undefined;
  member.queue = [];
  member.size = 0;
  tell({ left, reason });
}

const answer = (text: string, isError = false) => ({ content: [{ type: 'text' as const, text }], isError });

function newMember(): Member {
  const server = new McpServer({ name: 'chat', version: '1.0.0' }, { capabilities: { logging: {} } });
  const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => member.id,
    onsessioninitialized: (id) => void members.set(id, member),
    onsessionclosed: (id) => {
      leave(member);
      members.delete(id);
    },
  });
  const member: Member = { id: randomUUID(), server, transport, queue: [], size: 0, pumping: false };
  server.registerTool('join', { description: 'Enter', inputSchema: { name: z.string().min(1) } }, ({ name }) => {
    if (member.name !== undefined) return answer('you are here already', true);
    if (inRoom().some((other) => other.name === name)) return answer('this name is taken', true);
    tell({ joined: name });
    member.name = name;
    return answer('welcome');
  });
  server.registerTool('say', { description: 'Speak', inputSchema: { text: z.string() } }, ({ text }) => {
    if (member.name === undefined) return answer('join first', true);
    tell({ from: member.name, text }, member);
    return answer('said');
  });
  return member;
}

const app = express();
app.use(onlyThisMachine, express.json({ limit: '1mb' }));
app.all('/mcp', async (request, response) => {
  const id = request.get('mcp-session-id');
  const member = id === undefined ? newMember() : members.get(id);
  if (!member) {
    response.status(404).end();
    return;
  }
  if (id === undefined) await member.server.connect(member.transport as never);
  // The SDK refuses a second stream with 409.
  const opens = request.method === 'GET' && !member.stream;
  if (opens) {
    response.once('close', () => {
      member.stream = undefined;
      leave(member);
    });
  }
  await Promise.all([
    member.transport.handleRequest(request, response, request.body),
    opens &&
      turn().then(() => {
        member.stream = response;
        return pump(member);
      }),
  ]);
});
app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
