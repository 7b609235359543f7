// The server of the chat room. The README of this lesson says what it has to do; how it does this is up to you.

/** As soon as more bytes than this wait for a member, this member has to leave the room. */
const longestQueue = 1024 ** 2;

// #region task 1: offer the tools join and say at /mcp, and send what is said on the stand-alone streams
import { randomUUID } from 'node:crypto';
import express, { type Request, type Response } from 'express';
import { z } from 'zod';
import { failure, isNotification, isRequest, isResponse, type Answer, type Params } from '#support/json-rpc.ts';
import {
  answerError,
  beginEventStream,
  checkPost,
  checkRevision,
  listen,
  onlyThisMachine,
  refuse,
  revisions,
} from '#support/mcp-http.ts';

/** What the server remembers of a client from one request to the next. */
type Session = {
  level: string;
  /** The name of a member of the room; a client that is not in the room has none. */
  name?: string | undefined;
  /** The response to the GET of this client, as long as it is open. */
  stream?: Response | undefined;
  /** The events for a member that has not opened its stream yet. */
  waiting: string;
};

const sessions = new Map<string, Session>();

/** The members of the room. Everybody else hears nothing. */
const members = new Set<Session>();

/** The severities of RFC 5424, section 6.2.1, the least severe first. */
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** Sends a message to all members, or to all but one. */
function tell(data: object, except?: Session): void {
  const params = { level: 'notice', logger: 'chat', data };
  const event = `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params })}\n\n`;
  for (const member of members) {
    if (member === except || levels.indexOf(member.level) > levels.indexOf('notice')) continue;
    if (member.stream) member.stream.write(event);
    else member.waiting += event;
  }
  // Only when all members have the message: otherwise some would hear first that a member has left.
  for (const member of members) if (unread(member) > longestQueue) drop(member);
}

/** How many bytes the server keeps for a member. */
function unread({ stream, waiting }: Session): number {
  return stream ? stream.writableLength : Buffer.byteLength(waiting);
}

/** A member that does not read its stream has to go. The server forgets what waits for it. */
function drop(member: Session): void {
  member.stream?.destroy();
  leave(member, 'it does not read what is said');
}

/** This client is no longer in the room, whatever the cause is. For a client that is not in the room, nothing happens. */
function leave(session: Session, reason?: string): void {
  if (!members.delete(session)) return;
  const left = session.name;
  session.name = undefined;
  session.waiting = '';
  tell({ left, reason });
}

const toolInputs = {
  join: z.object({ name: z.string().trim().min(1).max(32).describe('how the others will call you') }),
  say: z.object({ text: z.string().describe('what the others will read') }),
};

/** What the tools do. They return a text for the client. @throws Error for what is not possible */
const tools = {
  join(session: Session, { name }: z.infer<typeof toolInputs.join>): string {
    if (session.name !== undefined) throw new Error(`you are in the room already, as ${session.name}`);
    const names = [...members].map((member) => member.name!);
    if (names.includes(name)) throw new Error(`the name ${name} is taken`);
    session.name = name;
    members.add(session);
    tell({ joined: name }, session);
    return names.length === 0 ? 'you are alone in the room' : `in the room: ${names.join(', ')}`;
  },
  say(session: Session, { text }: z.infer<typeof toolInputs.say>): string {
    if (session.name === undefined) throw new Error('you are not in the room: call join first');
    tell({ from: session.name, text }, session);
    return 'said';
  },
};

const initializeParams = z.object({ protocolVersion: z.string() });
const setLevelParams = z.object({ level: z.enum(levels) });
const callParams = z.object({ name: z.enum(['join', 'say']), arguments: z.unknown() });

/** The methods that a client can call. */
const methods: Record<string, (params: Params, session: Session) => Answer> = {
  ping: () => ({ result: {} }),

  initialize(params) {
    const { data, error } = initializeParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    const protocolVersion = revisions.includes(data.protocolVersion) ? data.protocolVersion : revisions[0];
    const serverInfo = { name: 'chat', version: '1.0.0' };
    return { result: { protocolVersion, capabilities: { tools: {}, logging: {} }, serverInfo } };
  },

  'logging/setLevel'(params, session) {
    const { data, error } = setLevelParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    session.level = data.level;
    return { result: {} };
  },

  'tools/list': () => ({
    result: {
      tools: [
        { name: 'join', description: 'Enters the room', inputSchema: z.toJSONSchema(toolInputs.join, { io: 'input' }) },
        { name: 'say', description: 'Says something to all others', inputSchema: z.toJSONSchema(toolInputs.say) },
      ],
    },
  }),

  'tools/call'(params, session) {
    const { data, error } = callParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    try {
      const text =
        data.name === 'join'
          ? tools.join(session, toolInputs.join.parse(data.arguments))
          : tools.say(session, toolInputs.say.parse(data.arguments));
      return { result: { content: [{ type: 'text', text }] } };
    } catch (error) {
      const text = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
      return { result: { content: [{ type: 'text', text }], isError: true } };
    }
  },
};

const app = express();
app.use('/mcp', onlyThisMachine);

app.post('/mcp', checkPost, express.json({ strict: false, limit: '1mb' }), (request, response) => {
  const message = request.body;
  if (!isRequest(message) && !isNotification(message) && !isResponse(message)) {
    return refuse(response, 400, -32600, 'the body must be one JSON-RPC message');
  }
  const begins = isRequest(message) && message.method === 'initialize';
  const session = begins ? { level: 'info', waiting: '' } : sessionOf(request, response);
  if (!session) return;
  if (!isRequest(message)) {
    response.status(202).end();
    return;
  }
  const answer = Object.hasOwn(methods, message.method)
    ? methods[message.method]!(message.params ?? {}, session)
    : failure(-32601, `unknown method: ${message.method}`);
  if (begins && 'result' in answer) {
    const id = randomUUID();
    sessions.set(id, session);
    response.set('MCP-Session-Id', id);
  }
  response.json({ jsonrpc: '2.0', id: message.id, ...answer });
});

/** The session that the header MCP-Session-Id names. Without one, this function has refused the request. */
function sessionOf(request: Request, response: Response): Session | undefined {
  const id = request.get('MCP-Session-Id');
  const session = sessions.get(id ?? '');
  if (id === undefined) refuse(response, 400, -32600, 'the header MCP-Session-Id is missing');
  else if (!session) refuse(response, 404, -32600, 'there is no such session');
  return session;
}

// The handler of app.get would answer HEAD as well, with a stream that nobody reads.
app.head('/mcp', refuseMethod);

app.get('/mcp', checkRevision, (request, response) => {
  const session = sessionOf(request, response);
  if (!session) return;
  session.stream?.end();
  session.stream = response;
  beginEventStream(response);
  if (session.waiting !== '') response.write(session.waiting);
  session.waiting = '';
  const keepAlive = setInterval(() => {
    if (!response.writableEnded) response.write(': still here\n\n');
  }, 15_000);
  response.on('close', () => {
    clearInterval(keepAlive);
    // A newer stream may have replaced this one.
    if (session.stream !== response) return;
    session.stream = undefined;
    leave(session);
  });
});

app.delete('/mcp', (request, response) => {
  const session = sessionOf(request, response);
  if (!session) return;
  sessions.delete(request.get('MCP-Session-Id')!);
  leave(session);
  session.stream?.end();
  response.status(204).end();
});

app.all('/mcp', refuseMethod);

function refuseMethod(_request: Request, response: Response): void {
  refuse(response.set('Allow', 'GET, POST, DELETE'), 405, -32600, 'the HTTP methods here are GET, POST and DELETE');
}

app.use('/mcp', answerError);

listen(app);
// #endregion
