// What lessons 7 to 10 wrote for a server of MCP: it refuses what HTTP should refuse, and says why.
import { createServer, type RequestListener } from 'node:http';
import { Server } from 'node:net';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { failure } from './json-rpc.ts';

/** The protocol revisions that the servers of this workshop speak, newest first. */
export const revisions = ['2025-11-25', '2025-06-18'];

/** Answers with an error whose id is null, because the server has read no request that the error could belong to. */
export function refuse(response: Response, status: number, code: number, message: string): void {
  response.status(status).json({ jsonrpc: '2.0', id: null, ...failure(code, message) });
}

/** The names of this machine. A page of another site cannot pretend to have one of them. */
const localNames = ['127.0.0.1', 'localhost', '[::1]'];

/** Any page that is open in a browser can send requests to this machine, so those of other sites are refused. */
export const onlyThisMachine: RequestHandler = (request, response, next) => {
  const asked = [`http://${request.get('Host')}`, request.get('Origin') ?? 'http://localhost'];
  if (asked.every((url) => URL.canParse(url) && localNames.includes(new URL(url).hostname))) next();
  else refuse(response, 403, -32600, 'the headers Host and Origin must name this machine');
};

/** Looks at the headers of a POST (MCP 2025-11-25, basic/transports, "Sending Messages to the Server"). */
export const checkPost: RequestHandler = (request, response, next) => {
  checkMediaTypes(request, response, () => checkRevision(request, response, next));
};

/** The headers of a POST that every revision asks for. */
export const checkMediaTypes: RequestHandler = (request, response, next) => {
  if (!request.accepts('application/json') || !request.accepts('text/event-stream')) {
    return refuse(response, 406, -32600, 'Accept must list application/json and text/event-stream');
  }
  if (!request.is('application/json')) return refuse(response, 415, -32600, 'Content-Type must be application/json');
  next();
};

/** Looks at the header MCP-Protocol-Version of any request. A request without it is served. */
export const checkRevision: RequestHandler = (request, response, next) => {
  const revision = request.get('MCP-Protocol-Version');
  if (revision === undefined || revisions.includes(revision)) return next();
  refuse(response, 400, -32600, `unsupported MCP-Protocol-Version: ${revision}; supported: ${revisions.join(', ')}`);
};

/** The headers of a response that is an event stream. */
export function beginEventStream(response: Response): void {
  response.set({
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache, no-transform',
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
}

type HttpError = { status?: number; type?: string; message: string };

/** Answers when a handler, or the reader of the body, has thrown an error. Express knows it by its four parameters. */
export function answerError(error: HttpError, _request: Request, response: Response, _next: NextFunction): void {
  if (error.type === 'entity.parse.failed') refuse(response, 400, -32700, 'the body is not JSON');
  else if (error.status && error.status < 500) refuse(response, error.status, -32600, error.message);
  else {
    console.error(error);
    refuse(response, 500, -32603, 'internal error');
  }
}

/** Listens on the port that the environment variable PORT names, at this machine only. */
export function listen(app: RequestListener | Server, scheme = 'http'): void {
  const port = Number(process.env.PORT ?? 3000);
  const server = app instanceof Server ? app : createServer(app);
  server.once('error', (error) => {
    console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
    process.exit(1);
  });
  server.listen(port, '127.0.0.1', () => console.log(`listening on ${scheme}://127.0.0.1:${port}/mcp`));
}
