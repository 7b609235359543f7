// A client for each transport: each sends the same messages, and hands on what comes back.
import type { ChildProcess } from 'node:child_process';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createParser } from 'eventsource-parser';

type Message = { id?: number; method?: string; result?: object; error?: { message: string } };

export type Client = {
  /** Calls a tool, and waits for its result. `onNotification` is called when each notification arrives. */
  call(args: object, onNotification?: () => void): Promise<void>;
  close(): void;
};

/** Milliseconds that anything may take here, the start of a server included. */
export const limit = 60_000;

const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'measure', version: '1.0.0' } };

/** How a transport sends a message. The answer to a POST of Streamable HTTP comes to `take` too. */
type Way = { send(message: object): void | Promise<void>; close(): void };

/** Shakes hands, once there is a way; its messages come to `take`. */
async function connect(open: (take: (message: Message) => void) => Way | Promise<Way>): Promise<Client> {
  const waiting = new Map<number, { resolve(): void; reject(error: Error): void; onNotification: () => void }>();
  let lastId = 0;
  const take = ({ id, method, error }: Message) => {
    // Only one call at a time has notifications.
    if (method !== undefined) for (const { onNotification } of waiting.values()) onNotification();
    const found = id === undefined ? undefined : waiting.get(id);
    if (!found) return;
    waiting.delete(id!);
    if (error) found.reject(new Error(error.message));
    else found.resolve();
  };
  const way = await open(take);
  const ask = (method: string, params: object, onNotification = () => {}) =>
    new Promise<void>((resolve, reject) => {
      const id = ++lastId;
      const late = setTimeout(() => reject(new Error(`no response to ${method} within ${limit} ms`)), limit);
      const over = () => clearTimeout(late);
      waiting.set(id, {
        resolve: () => (over(), resolve()),
        reject: (error) => (over(), reject(error)),
        onNotification,
      });
      Promise.resolve(way.send({ jsonrpc: '2.0', id, method, params })).catch((error) => (over(), reject(error)));
    });
  await ask('initialize', hello);
  await way.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  return {
    call: (args, onNotification) => ask('tools/call', { name: 'job', arguments: args }, onNotification),
    close: way.close,
  };
}

/** The client of a server that is a process of its own. */
export const overStdio = ({ stdin, stdout }: ChildProcess): Promise<Client> =>
  connect((take) => {
    let rest = '';
    stdout!.setEncoding('utf8').on('data', (piece: string) => {
      const lines = (rest + piece).split('\n');
      rest = lines.pop()!;
      for (const line of lines) take(JSON.parse(line));
    });
    return { send: (message) => void stdin!.write(`${JSON.stringify(message)}\n`), close: () => stdin!.end() };
  });

const json = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };

/** Sends a request, and waits for the status and the headers. */
const ask = (url: URL, method: string, agent: Agent, headers: Record<string, string>, body?: object) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest(url, { method, agent, headers }, (response) => {
      if (response.statusCode! < 300) return resolve(response);
      response.resume();
      reject(new Error(`${method} ${url.pathname} was answered with status ${response.statusCode}`));
    })
      .on('error', reject)
      .end(body && JSON.stringify(body));
  });

function readEvents(stream: Readable, onEvent: (type: string, data: string) => void): void {
  const parser = createParser({ onEvent: ({ event = 'message', data }) => onEvent(event, data) });
  stream.setEncoding('utf8').on('data', (piece: string) => parser.feed(piece));
}

/**
 * The client of a server of HTTP+SSE.
 * @param patience milliseconds that the server has for the event `endpoint`
 */
export const overOldHttp = (origin: string, agent: Agent, patience = limit): Promise<Client> =>
  connect(async (take) => {
    const own = new Agent();
    const close = () => own.destroy();
    const opened = new Promise<URL>((resolve, reject) => {
      setTimeout(() => reject(new Error('the event endpoint did not come')), patience).unref();
      ask(new URL('/sse', origin), 'GET', own, { Accept: 'text/event-stream' }).then((stream) => {
        stream.on('error', () => {}); // it is closed at the end
        readEvents(stream, (type, data) => {
          if (type === 'endpoint') resolve(new URL(data, origin));
          else take(JSON.parse(data));
        });
      }, reject);
    });
    const endpoint = await opened.catch((error) => {
      close();
      throw error;
    });
    return { send: async (message) => void (await ask(endpoint, 'POST', agent, json, message)).resume(), close };
  });

/** The client of a server of Streamable HTTP. */
export const overNewHttp = (origin: string, agent: Agent): Promise<Client> =>
  connect((take) => {
    const headers: Record<string, string> = { ...json };
    return {
      async send(message) {
        const response = await ask(new URL('/mcp', origin), 'POST', agent, headers, message);
        const session = response.headers['mcp-session-id'];
        if (session) headers['MCP-Session-Id'] = String(session);
        if (/^text\/event-stream/.test(response.headers['content-type'] ?? '')) {
          readEvents(response, (_type, data) => take(JSON.parse(data)));
          return;
        }
        let body = '';
        for await (const piece of response.setEncoding('utf8')) body += piece;
        if (body !== '') take(JSON.parse(body));
      },
      close() {},
    };
  });
