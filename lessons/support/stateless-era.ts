// The half of a server that speaks to new clients: the rules of revision 2026-07-28 that lessons 21 and 22 wrote.
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import {
  failure,
  isNotification,
  isObject,
  isRequest,
  type Answer,
  type JsonRpcRequest,
  type Params,
} from './json-rpc.ts';
import { beginEventStream, refuse } from './mcp-http.ts';
import { fromHeader, metaKeys } from './stateless.ts';
import { levels, writeMessage, type Notify } from './tool-server.ts';

/** The revision of this half. */
export const statelessRevision = '2026-07-28';

const metaOfRequest = z.looseObject({
  [metaKeys.protocolVersion]: z.string(),
  [metaKeys.clientCapabilities]: z.looseObject({}),
  [metaKeys.clientInfo]: z.looseObject({ name: z.string(), version: z.string() }).optional(),
  [metaKeys.logLevel]: z.enum(levels).optional(),
});

/** What the `_meta` of a request says. */
export type RequestMeta = z.infer<typeof metaOfRequest> & { [metaKeys.logLevel]?: string };

/** The params whose value is also in the header Mcp-Name. */
const named: Record<string, string> = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' };

/** How long a client may keep the results that say what the server can do, in milliseconds. */
const cacheable = { ttlMs: 60_000, cacheScope: 'public' };

/** Adds what this revision wants in the result of each request. */
export function complete(method: string, serverInfo: object, answered: Answer): Answer {
  if ('error' in answered) return answered;
  const { result } = answered;
  const meta = { ...(isObject((result as Params)._meta) && ((result as Params)._meta as Params)) };
  return {
    result: {
      ...result,
      resultType: 'complete',
      ...((method === 'server/discover' || method === 'tools/list') && cacheable),
      _meta: { ...meta, [metaKeys.serverInfo]: serverInfo },
    },
  };
}

/**
 * Answers a POST as revision 2026-07-28 has it, and every other HTTP method with 405. The body has been read before.
 *
 * @param serve answers tools/list, tools/call and unknown requests; its signal aborts when the client closes the stream
 */
export function statelessEra(
  serverInfo: object,
  serve: (request: JsonRpcRequest, meta: RequestMeta, notify: Notify, signal: AbortSignal) => Promise<Answer>,
): RequestHandler {
  async function post(request: Request, response: Response): Promise<void> {
    const message: unknown = request.body;
    if (isNotification(message)) {
      response.status(202).end();
      return;
    }
    if (!isRequest(message)) return refuse(response, 400, -32600, 'the body must be one JSON-RPC request');
    const refused = refusalOf(request, message);
    if (refused) {
      response.status(400).json({ jsonrpc: '2.0', id: message.id, ...refused });
      return;
    }
    const meta = message.params!._meta as RequestMeta;
    if (message.method === 'server/discover') {
      const result = { supportedVersions: [statelessRevision], capabilities: { tools: {}, logging: {} } };
      response.json({ jsonrpc: '2.0', id: message.id, ...complete(message.method, serverInfo, { result }) });
      return;
    }
    if (message.method === 'tools/call') {
      const closed = new AbortController();
      response.on('close', () => closed.abort());
      beginEventStream(response);
      const notify: Notify = (notification) => writeMessage(response, notification);
      const answered = await serve(message, meta, notify, closed.signal);
      writeMessage(response, { jsonrpc: '2.0', id: message.id, ...answered });
      response.end();
      return;
    }
    const answered = await serve(message, meta, () => {}, new AbortController().signal);
    const unknown = 'error' in answered && answered.error.code === -32601;
    response.status(unknown ? 404 : 200).json({ jsonrpc: '2.0', id: message.id, ...answered });
  }

  return (request, response, next) => {
    if (request.method === 'POST') post(request, response).catch(next);
    else refuse(response.set('Allow', 'POST'), 405, -32600, 'the HTTP method here is POST');
  };
}

/** Why a request does not say all that it has to say, in its `_meta` and in its headers; undefined if it does. */
function refusalOf(request: Request, { method, params }: JsonRpcRequest): Answer | undefined {
  const { data: meta, error } = metaOfRequest.safeParse(params?._meta);
  if (error) return failure(-32602, z.prettifyError(error));
  const requested = meta[metaKeys.protocolVersion] as string;
  const name = params?.[named[method] ?? ''];
  const expected = {
    'MCP-Protocol-Version': requested,
    'Mcp-Method': method,
    ...(typeof name === 'string' && { 'Mcp-Name': name }),
  };
  for (const [header, value] of Object.entries(expected)) {
    const sent = request.get(header);
    if (sent === undefined) return failure(-32020, `the header ${header} is missing`);
    if (fromHeader(sent) !== value)
      return failure(-32020, `the header ${header} is ${sent}, but the body says ${value}`);
  }
  if (requested === statelessRevision) return undefined;
  const data = { supported: [statelessRevision], requested };
  return failure(-32022, `unsupported revision: ${requested}`, data);
}
