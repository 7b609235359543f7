// The half of a server that speaks to old clients: the handshake and the sessions that lessons 8, 10 and 15 wrote.
import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { failure, isNotification, isRequest, isResponse, type Answer, type JsonRpcRequest } from './json-rpc.ts';
import { beginEventStream, checkRevision, refuse, revisions } from './mcp-http.ts';
import { levels, writeMessage, type Notify } from './tool-server.ts';

/** What the server remembers of a client from one request to the next. */
export type Session = {
  /** The least severe level of the log messages that this client wants. */
  level: string;
  /** The stand-alone stream that the client has opened. Nothing is sent on it, because the tools never change. */
  stream?: Response;
};

const initializeParams = z.object({
  protocolVersion: z.string(),
  capabilities: z.object({}),
  clientInfo: z.object({ name: z.string(), version: z.string() }),
});
const setLevelParams = z.object({ level: z.enum(levels) });

/**
 * Answers POST, GET and DELETE as revision 2025-11-25 has it. The body of a POST has been read before.
 *
 * @param serve answers the requests that both eras have: tools/list, tools/call and unknown ones
 */
export function sessionsEra(
  serverInfo: object,
  serve: (request: JsonRpcRequest, session: Session, notify: Notify) => Promise<Answer>,
): RequestHandler {
  const sessions = new Map<string, Session>();

  /** The session that the header MCP-Session-Id names. Without one, this function has refused the request. */
  function sessionOf(request: Request, response: Response): Session | undefined {
    const id = request.get('MCP-Session-Id');
    const session = sessions.get(id ?? '');
    if (id === undefined) refuse(response, 400, -32600, 'the header MCP-Session-Id is missing');
    else if (!session) refuse(response, 404, -32600, 'there is no such session');
    return session;
  }

  async function post(request: Request, response: Response): Promise<void> {
    const message: unknown = request.body;
    if (!isRequest(message) && !isNotification(message) && !isResponse(message)) {
      return refuse(response, 400, -32600, 'the body must be one JSON-RPC message');
    }
    if (isRequest(message) && message.method === 'initialize') {
      const answered = initialize(message);
      if ('result' in answered) {
        const id = randomUUID();
        sessions.set(id, { level: 'info' });
        response.set('MCP-Session-Id', id);
      }
      response.json({ jsonrpc: '2.0', id: message.id, ...answered });
      return;
    }
    const session = sessionOf(request, response);
    if (!session) return;
    if (!isRequest(message)) {
      response.status(202).end();
      return;
    }
    if (message.method === 'tools/call') {
      beginEventStream(response);
      const answered = await serve(message, session, (notification) => writeMessage(response, notification));
      writeMessage(response, { jsonrpc: '2.0', id: message.id, ...answered });
      response.end();
      return;
    }
    const own = Object.hasOwn(ownMethods, message.method) && ownMethods[message.method];
    const answered = own ? own(message, session) : await serve(message, session, () => {});
    response.json({ jsonrpc: '2.0', id: message.id, ...answered });
  }

  function initialize({ params }: JsonRpcRequest): Answer {
    const { data, error } = initializeParams.safeParse(params);
    if (error) return failure(-32602, z.prettifyError(error));
    const protocolVersion = revisions.includes(data.protocolVersion) ? data.protocolVersion : revisions[0];
    return { result: { protocolVersion, capabilities: { tools: {}, logging: {} }, serverInfo } };
  }

  /** The methods that only this era has. */
  const ownMethods: Record<string, (request: JsonRpcRequest, session: Session) => Answer> = {
    ping: () => ({ result: {} }),
    'logging/setLevel'({ params }, session) {
      const { data, error } = setLevelParams.safeParse(params);
      if (error) return failure(-32602, z.prettifyError(error));
      session.level = data.level;
      return { result: {} };
    },
  };

  /** Opens the stand-alone stream of a session. */
  function get(request: Request, response: Response): void {
    const session = sessionOf(request, response);
    if (!session) return;
    if (session.stream) return refuse(response, 409, -32600, 'this session has a stream already');
    session.stream = response;
    response.on('close', () => delete session.stream);
    beginEventStream(response);
  }

  function end(request: Request, response: Response): void {
    const session = sessionOf(request, response);
    if (!session) return;
    sessions.delete(request.get('MCP-Session-Id')!);
    session.stream?.end();
    response.status(204).end();
  }

  return (request, response, next) => {
    checkRevision(request, response, () => {
      if (request.method === 'POST') post(request, response).catch(next);
      else if (request.method === 'GET') get(request, response);
      else if (request.method === 'DELETE') end(request, response);
      else
        refuse(
          response.set('Allow', 'GET, POST, DELETE'),
          405,
          -32600,
          'the HTTP methods here are GET, POST and DELETE',
        );
    });
  };
}
