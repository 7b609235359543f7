import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import { inspect } from 'node:util';
import express, { type Request, type RequestHandler, type Response } from 'express';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { documents } from '#support/documents.ts';
import {
  failure,
  isNotification,
  isRequest,
  isResponse,
  type Answer,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type JsonRpcResponse,
  type Params,
} from '#support/json-rpc.ts';
import {
  answerError,
  beginEventStream,
  checkPost,
  listen,
  onlyThisMachine,
  refuse,
  revisions,
} from '#support/mcp-http.ts';
import { byFirstByte } from '#support/one-port.ts';
import { moreTools, type Context, type Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

/** The folder of the certificate and its key. Without one, the server speaks plain HTTP. */
const tlsFolder = process.env.TLS;

/** The URL by which clients know this server: a proxy in front of it can have a different one. */
const publicUrl = process.env.PUBLIC_URL ?? `${tlsFolder ? 'https' : 'http'}://127.0.0.1:${process.env.PORT ?? 3000}`;

/** What a token for this server names as its audience. */
const resource = new URL('/mcp', publicUrl).href;

/** The authorization server whose tokens this server accepts. */
const issuer = process.env.ISSUER ?? 'http://127.0.0.1:4000';

/** The permission that a token needs here. */
const scope = 'mcp:tools';

/** The public keys of the authorization server, which jose fetches when it needs them. */
const keys = createRemoteJWKSet(new URL('/jwks', issuer));

const processFilesInput = z.object({ message: z.string().describe('what to say when all is done') });

const processFiles: Tool<typeof processFilesInput> = {
  name: 'process_files',
  description: 'Processes the documents one after the other',
  input: processFilesInput,
  async run({ message }, context) {
    for (const [i, { name }] of documents.entries()) {
      context.log('info', `Processing file ${i + 1}/${documents.length}...`, 'process_files');
      await work(name);
    }
    return { content: [{ type: 'text', text: `Done: ${message}` }] };
  },
};

/** The severities of RFC 5424, section 6.2.1, the least severe first. */
const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** What the server remembers of a client from one request to the next. */
type Session = {
  level: string;
  /** Who has begun the session: the `sub` of a token. */
  owner?: string;
};

/** The sessions, by their ids. */
const sessions = new Map<string, Session>();

const tools: Tool[] = [processFiles, ...moreTools];

const initializeParams = z.object({
  protocolVersion: z.string(),
  capabilities: z.object({}),
  clientInfo: z.object({ name: z.string(), version: z.string() }),
});

const setLevelParams = z.object({ level: z.enum(levels) });

const callParams = z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()).default({}) });

/** What a tool has to return. It may have further members, which stay in the result. */
const toolResult = z.looseObject({ content: z.array(z.looseObject({ type: z.string() })) });

/** The methods that a client can call on this server. */
const methods: Record<string, (params: Params, context: Context, session: Session) => Answer | Promise<Answer>> = {
  ping: () => ({ result: {} }),

  initialize(params) {
    const { data, error } = initializeParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    const protocolVersion = revisions.includes(data.protocolVersion) ? data.protocolVersion : revisions[0];
    return {
      result: {
        protocolVersion,
        capabilities: { tools: {}, logging: {} },
        serverInfo: { name: 'chunk-by-chunk', version: '1.0.0' },
      },
    };
  },

  'logging/setLevel'(params, _context, session) {
    const { data, error } = setLevelParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    session.level = data.level;
    return { result: {} };
  },

  'tools/list': () => ({
    result: {
      tools: tools.map(({ name, description, input }) => ({
        name,
        description,
        inputSchema: z.toJSONSchema(input, { io: 'input' }),
      })),
    },
  }),

  async 'tools/call'(params, context) {
    const call = callParams.safeParse(params);
    if (call.error) return failure(-32602, z.prettifyError(call.error));
    const tool = tools.find(({ name }) => name === call.data.name);
    if (!tool) return failure(-32602, `Unknown tool: ${call.data.name}`);
    try {
      const args = tool.input.safeParse(call.data.arguments);
      if (args.error) return toolFailure(z.prettifyError(args.error));
      const returned = JSON.stringify(await tool.run(args.data, context));
      return { result: toolResult.parse(JSON.parse(returned)) };
    } catch (error) {
      return toolFailure(reasonOf(error));
    }
  },
};

/** What 'tools/call' returns when a tool fails: a result, so that the model reads the text. */
function toolFailure(text: string): Answer {
  return { result: { content: [{ type: 'text', text }], isError: true } };
}

/** Why a tool has failed. It has usually thrown an Error, but JavaScript can throw any value. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  return typeof thrown === 'string' ? thrown : inspect(thrown);
}

/** Lets a request through if it has a token for this server, and keeps in `response.locals` for whom the token is. */
const requireToken: RequestHandler = async (request, response, next) => {
  // #region task 1: answer a request without a token with 401, and say where a token comes from
  const token = /^Bearer +(\S+) *$/i.exec(request.get('Authorization') ?? '')?.[1];
  if (!token) return challenge(response, 401, `scope="${scope}"`);
  // #endregion
  // #region task 2: verify the token, look for the scope, and keep who sends it
  // starter: next();
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience: resource,
      algorithms: ['ES256'],
      requiredClaims: ['sub', 'exp'],
    });
    const scopes = String(payload.scope ?? '').split(' ');
    if (!scopes.includes(scope)) return challenge(response, 403, `error="insufficient_scope", scope="${scope}"`);
    response.locals.subject = payload.sub;
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error; // the authorization server does not answer
    return challenge(response, 401, 'error="invalid_token"');
  }
  next();
  // #endregion
};

/** Refuses a request, and tells the client where it finds out how to get a token (RFC 9728, section 5.1). */
function challenge(response: Response, status: 401 | 403, reason: string): void {
  // #region task 1: send the header WWW-Authenticate with the address of the metadata
  const metadata = new URL('/.well-known/oauth-protected-resource/mcp', publicUrl).href;
  response.set('WWW-Authenticate', `Bearer ${reason}, resource_metadata="${metadata}"`);
  // #endregion
  refuse(response, status, -32600, 'this server needs a token of its authorization server');
}

const app = express();

app.use((request, response, next) => {
  // #region task 2: log no query, because somebody may have put a token there
  // starter: const { method, originalUrl: path } = request;
  const { method, path } = request;
  // #endregion
  response.on('finish', () => console.log(`${method} ${path} ${response.statusCode}`));
  next();
});

// #region task 1: publish the metadata of this resource, for everybody
app.get('/.well-known/oauth-protected-resource/mcp', (_request, response) => {
  response.json({ resource, authorization_servers: [issuer], scopes_supported: [scope] });
});
// #endregion

app.use('/mcp', onlyThisMachine, requireToken);

app.post('/mcp', checkPost, express.json({ strict: false, limit: '1mb' }), async (request, response) => {
  const message = request.body;
  if (!isRequest(message) && !isNotification(message) && !isResponse(message)) {
    refuse(response, 400, -32600, 'the body must be one JSON-RPC message');
    return;
  }
  const begins = isRequest(message) && message.method === 'initialize';
  // #region task 2: keep whose session it is
  // starter: const session: Session | undefined = begins ? { level: 'info' } : sessionOf(request, response);
  const owner = response.locals.subject;
  const session: Session | undefined = begins ? { level: 'info', owner } : sessionOf(request, response);
  // #endregion
  if (!session) return;
  if (!isRequest(message)) {
    response.status(202).end();
    return;
  }
  if (message.method === 'tools/call') {
    await streamAnswer(message, session, response);
    return;
  }
  const answered = await answer(message, silent, session);
  if (begins && 'result' in answered) {
    const id = randomUUID();
    sessions.set(id, session);
    response.set('MCP-Session-Id', id);
  }
  response.json({ jsonrpc: '2.0', id: message.id, ...answered });
});

/** The session that the header MCP-Session-Id names. Without one, this function has refused the request. */
function sessionOf(request: Request, response: Response): Session | undefined {
  const id = request.get('MCP-Session-Id');
  const found = sessions.get(id ?? '');
  // #region task 2: find a session only for the one who has begun it
  // starter: const session = found;
  const session = found?.owner === response.locals.subject ? found : undefined;
  // #endregion
  if (id === undefined) refuse(response, 400, -32600, 'the header MCP-Session-Id is missing');
  else if (!session) refuse(response, 404, -32600, 'there is no such session');
  return session;
}

/** Answers a call with an event stream: the tool's messages while it works, then the response. */
async function streamAnswer(message: JsonRpcRequest, session: Session, response: Response): Promise<void> {
  beginEventStream(response);
  const context: Context = {
    log(level, data, logger) {
      if (levels.indexOf(level) < levels.indexOf(session.level)) return;
      send(response, { jsonrpc: '2.0', method: 'notifications/message', params: { level, logger, data } });
    },
  };
  const answered = await answer(message, context, session);
  send(response, { jsonrpc: '2.0', id: message.id, ...answered });
  response.end();
}

/** Writes one message, in one event, in one chunk. After the response, nothing more can be sent. */
function send(response: Response, message: JsonRpcNotification | JsonRpcResponse): void {
  if (response.writableEnded) return;
  response.write(`data: ${JSON.stringify(message)}\n\n`);
}

/** A single JSON object has room for the response only, so what a tool logs is dropped. */
const silent: Context = { log: () => {} };

/** Calls the method that a request names. */
async function answer({ method, params }: JsonRpcRequest, context: Context, session: Session): Promise<Answer> {
  if (!Object.hasOwn(methods, method)) return failure(-32601, `unknown method: ${method}`);
  return methods[method]!(params ?? {}, context, session);
}

app.delete('/mcp', (request, response) => {
  if (!sessionOf(request, response)) return;
  sessions.delete(request.get('MCP-Session-Id')!);
  response.status(204).end();
});

app.all('/mcp', (_request, response) => {
  refuse(response.set('Allow', 'POST, DELETE'), 405, -32600, 'the HTTP methods here are POST and DELETE');
});

app.use('/mcp', answerError);

/** Answers a client that sends plain HTTP to the port of TLS. */
const plain = createServer((_request, response) => {
  response.writeHead(400, { 'Content-Type': 'text/plain', Connection: 'close' });
  response.end(`This port speaks TLS. Use ${resource}\n`);
});

// #region task 3: speak TLS if there is a certificate
// starter: listen(app);
if (tlsFolder) {
  const key = readFileSync(join(tlsFolder, 'key.pem'));
  const cert = readFileSync(join(tlsFolder, 'certificate.pem'));
  const secure = createSecureServer({ key, cert }, app);
  listen(byFirstByte({ secure, plain }), 'https');
} else {
  listen(app);
}
// #endregion
