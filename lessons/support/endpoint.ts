// One endpoint for a server of the official SDK, and for the clients of both eras. Lesson 25 wrote this.
import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import {
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
  toWebRequest,
  type StreamableHTTPServerTransportOptions,
} from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  isInitializeRequest,
  isLegacyRequest,
  type McpServer,
  type ServerNotifier,
} from '@modelcontextprotocol/server';
import express, { type Express, type Request, type Response } from 'express';
import { answerError, onlyThisMachine, refuse } from './mcp-http.ts';

export type Endpoint = {
  /** Hand it to `listen`. */
  app: Express;
  /** The servers of the old clients (2025-11-25 and before): one for each session, until the session ends. */
  sessions: ReadonlySet<McpServer>;
  /** Tells the new clients (2026-07-28) of a change: those whose `subscriptions/listen` has asked for it. */
  notify: ServerNotifier;
};

/** Adds tools, resources and prompts to a server before it is connected. */
type Offer = (server: McpServer, notify: ServerNotifier) => void;

/** What somebody else offers beside your server's own, and how its sessions keep their events: the file in `MORE_OFFERS`. */
type Offers = {
  offer?: Offer;
  sessionOptions?: Pick<StreamableHTTPServerTransportOptions, 'eventStore' | 'retryInterval'>;
};

const { offer, sessionOptions }: Offers = process.env.MORE_OFFERS
  ? ((await import(pathToFileURL(process.env.MORE_OFFERS).href)) as Offers)
  : {};

/**
 * Answers all requests to /mcp.
 *
 * @param makeServer makes a server: one for each session of an old client, and one for each request of a new client
 */
export function endpoint(makeServer: () => McpServer): Endpoint {
  const sessions = new Set<McpServer>();
  const transports = new Map<string, NodeStreamableHTTPServerTransport>();
  const handler = createMcpHandler(makeCompleteServer);
  const handle = toNodeHandler(handler);

  function makeCompleteServer(): McpServer {
    const server = makeServer();
    offer?.(server, handler.notify);
    return server;
  }

  /** A session stays, because the server can ask its client something, and can tell it something at any time. */
  async function beginSession(): Promise<NodeStreamableHTTPServerTransport> {
    const server = makeCompleteServer();
    const transport = new NodeStreamableHTTPServerTransport({
      ...sessionOptions,
      sessionIdGenerator: randomUUID,
      onsessioninitialized(id) {
        transports.set(id, transport);
        sessions.add(server);
      },
      onsessionclosed(id) {
        transports.delete(id);
        sessions.delete(server);
      },
    });
    await server.connect(transport);
    return transport;
  }

  async function handleSession(request: Request, response: Response): Promise<void> {
    const id = request.get('MCP-Session-Id');
    const transport = isInitializeRequest(request.body) ? await beginSession() : transports.get(id ?? '');
    if (transport) await transport.handleRequest(request, response, request.body);
    else if (id === undefined) refuse(response, 400, -32600, 'the header MCP-Session-Id is missing');
    else refuse(response, 404, -32600, 'there is no such session');
  }

  const app = express();
  app.use('/mcp', onlyThisMachine, express.json({ strict: false, limit: '1mb' }));
  app.all('/mcp', async (request, response) => {
    const isOld = await isLegacyRequest(await toWebRequest(request, request.body));
    if (isOld) await handleSession(request, response);
    else await handle(request, response, request.body);
  });
  app.use('/mcp', answerError);
  return { app, sessions, notify: handler.notify };
}
