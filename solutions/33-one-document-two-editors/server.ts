// The server of a document that several editors change. The README says what it has to do; how it does this is up to you.

/** The document as a resource of MCP. */
const uri = 'document://shared';

/** The document: its lines, and its version, which counts the edits. */
let shared = { version: 1, lines: ['Monday: soup', 'Tuesday: pasta', 'Wednesday: rice', 'Thursday: pizza'] };

// #region task 1: serve the document at /mcp, apply one edit after the other, and tell the sessions that have subscribed
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
import { work } from '#support/work.ts';

const editInput = z.object({
  base: z.int().describe('the version that the editor has seen'),
  from: z.int().describe('the first line to replace; the document begins with line 1'),
  to: z.int().describe('the last line to replace; from - 1 to insert the new lines before line from'),
  lines: z.array(z.string().regex(/^[^\r\n]*$/)).describe('the new lines; an empty list removes the old lines'),
});

const editOutput = z.object({ version: z.int() });

/** What the server remembers of a client from one request to the next. */
type Session = {
  subscribed: boolean;
  /** The response to the GET of this client, as long as it is open. */
  stream?: Response | undefined;
};

const sessions = new Map<string, Session>();

/** Settles when the last edit so far is saved, or is refused. */
let lastEdit: Promise<void> = Promise.resolve();

/** Applies an edit when all edits before it are over. An edit that fails does not stop the next one. */
function edit(change: z.infer<typeof editInput>): Promise<void> {
  const applied = lastEdit.then(() => apply(change));
  lastEdit = applied.catch(() => {});
  return applied;
}

/** @throws Error when the edit is refused, or cannot be saved */
async function apply({ base, from, to, lines }: z.infer<typeof editInput>): Promise<void> {
  const { version, lines: old } = shared;
  if (base !== version) throw new Error(`version ${base} is not the current version, which is ${version}`);
  if (from < 1 || to < from - 1 || to > old.length) throw new Error(`there are no lines ${from} to ${to}`);
  const edited = old.toSpliced(from - 1, to - from + 1, ...lines);
  await work('save');
  shared = { version: version + 1, lines: edited };
  announce();
}

/** Tells each session that has subscribed that the document has changed. */
function announce(): void {
  const message = { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } };
  for (const { subscribed, stream } of sessions.values()) {
    if (subscribed) stream?.write(`data: ${JSON.stringify(message)}\n\n`);
  }
}

const initializeParams = z.object({ protocolVersion: z.string() });
const resourceParams = z.object({ uri: z.string() });
const callParams = z.object({ name: z.literal('edit'), arguments: z.unknown() });

/** The methods of a client. Each request is answered with one JSON object. */
const methods: Record<string, (params: Params, session: Session) => Answer | Promise<Answer>> = {
  ping: () => ({ result: {} }),

  initialize(params) {
    const { data, error } = initializeParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    const protocolVersion = revisions.includes(data.protocolVersion) ? data.protocolVersion : revisions[0];
    const capabilities = { tools: {}, resources: { subscribe: true } };
    return { result: { protocolVersion, capabilities, serverInfo: { name: 'document', version: '1.0.0' } } };
  },

  'resources/list': () => ({ result: { resources: [{ uri, name: 'shared', mimeType: 'application/json' }] } }),

  'resources/read': (params) =>
    ofDocument(params, () => ({
      contents: [{ uri, mimeType: 'application/json', text: JSON.stringify(shared) }],
    })),

  'resources/subscribe': (params, session) =>
    ofDocument(params, () => {
      session.subscribed = true;
      return {};
    }),

  'resources/unsubscribe': (params, session) =>
    ofDocument(params, () => {
      session.subscribed = false;
      return {};
    }),

  'tools/list': () => ({
    result: {
      tools: [
        {
          name: 'edit',
          description: 'Replaces lines of the document, if the editor has seen its current version',
          inputSchema: z.toJSONSchema(editInput),
          outputSchema: z.toJSONSchema(editOutput),
        },
      ],
    },
  }),

  async 'tools/call'(params) {
    const { data, error } = callParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    const change = editInput.safeParse(data.arguments);
    if (change.error) return editResult(z.prettifyError(change.error), true);
    try {
      await edit(change.data);
      return editResult('The edit is saved');
    } catch (error) {
      return editResult((error as Error).message, true);
    }
  },
};

/** The result for params that name the document. There are no other resources. */
function ofDocument(params: Params, result: () => object): Answer {
  const { data, error } = resourceParams.safeParse(params);
  if (error) return failure(-32602, z.prettifyError(error));
  if (data.uri !== uri) return failure(-32002, 'there is no such resource', { uri: data.uri });
  return { result: result() };
}

/** A result of the tool. It has the current version, so that an editor whose edit was refused knows it. */
function editResult(text: string, isError = false): Answer {
  const structuredContent = { version: shared.version };
  return { result: { content: [{ type: 'text', text }], structuredContent, ...(isError && { isError }) } };
}

const app = express();
app.use('/mcp', onlyThisMachine);

app.post('/mcp', checkPost, express.json({ strict: false, limit: '1mb' }), async (request, response) => {
  const message = request.body;
  if (!isRequest(message) && !isNotification(message) && !isResponse(message)) {
    return refuse(response, 400, -32600, 'the body must be one JSON-RPC message');
  }
  const begins = isRequest(message) && message.method === 'initialize';
  const session = begins ? { subscribed: false } : sessionOf(request, response);
  if (!session) return;
  if (!isRequest(message)) {
    response.status(202).end();
    return;
  }
  const answer = Object.hasOwn(methods, message.method)
    ? await methods[message.method]!(message.params ?? {}, session)
    : failure(-32601, `unknown method: ${message.method}`);
  if (begins && 'result' in answer) response.set('MCP-Session-Id', newSessionId(session));
  response.json({ jsonrpc: '2.0', id: message.id, ...answer });
});

function newSessionId(session: Session): string {
  const id = randomUUID();
  sessions.set(id, session);
  return id;
}

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
  if (!request.accepts('text/event-stream')) {
    return refuse(response, 406, -32600, 'Accept must list text/event-stream');
  }
  const session = sessionOf(request, response);
  if (!session) return;
  session.stream?.end();
  session.stream = response;
  beginEventStream(response);
  response.on('close', () => {
    if (session.stream === response) session.stream = undefined;
  });
});

app.delete('/mcp', (request, response) => {
  const session = sessionOf(request, response);
  if (!session) return;
  sessions.delete(request.get('MCP-Session-Id')!);
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
