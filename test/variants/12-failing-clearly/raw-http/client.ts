// Only what Node has, a parser from a library, ids that are strings, and a stream of its own for the server, if it will.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createParser } from 'eventsource-parser';

const [, , address, text] = process.argv;
const spoken = new Set(['2025-06-18', '2025-11-25']);
const session: { id?: string; version?: string } = {};
const deadline = +(process.env.TIME_LIMIT || 60000);
let calls = 0;

class McpError extends Error {
  code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

function send(method: string, body?: object): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = { accept: 'text/event-stream, application/json' };
    if (body) headers['content-type'] = 'application/json; charset=utf-8';
    if (session.id) headers['mcp-session-id'] = session.id;
    if (session.version) headers['mcp-protocol-version'] = session.version;
    const sent = httpRequest(address!, { method, headers, agent: false }, (answer) => {
      const { statusCode = 0 } = answer;
      begun = answer;
      answer.once('close', () => clearTimeout(timer));
      if (statusCode >= 200 && statusCode < 300) return resolve(answer);
      let body = '';
      answer.setEncoding('utf8').on('data', (piece) => (body += piece));
      answer.on('close', () => {
        let why = '';
        try {
          why = JSON.parse(body).error.message;
        } catch {}
        reject(new McpError(3, `HTTP ${statusCode} for ${method} ${why}`));
      });
    });
    let begun: IncomingMessage | undefined;
    const timer = setTimeout(() => (begun ?? sent).destroy(new McpError(6, `gave up after ${deadline} ms`)), deadline);
    sent.on('error', (error) => {
      clearTimeout(timer);
      reject(error instanceof McpError ? error : new McpError(2, error.message));
    });
    sent.end(body && JSON.stringify(body));
  });
}

function exchange(method: string, params: object): Promise<any> {
  const id = `${method}#${calls++}`;
  return new Promise((resolve, reject) => {
    send('POST', { jsonrpc: '2.0', id, method, params }).then((answer) => {
      if (method === 'initialize') session.id = answer.headers['mcp-session-id'] as string | undefined;
      const sort = (json: string) => {
        let message: any;
        try {
          message = JSON.parse(json);
        } catch {
          console.error('no JSON:', json);
          return;
        }
        if (message?.method === undefined && message?.id === id) {
          answer.destroy();
          if (message.error) reject(new McpError(7, `error ${message.error.code}, ${message.error.message}`));
          else resolve(message.result);
        } else unexpected(message);
      };
      answer.setEncoding('utf8');
      const type = answer.headers['content-type'] ?? '';
      if (!/^(text\/event-stream|application\/json)\s*(;|$)/i.test(type)) {
        answer.destroy();
        return reject(new McpError(4, `an answer of the type "${type}"`));
      }
      const streams = /^text/i.test(type);
      const parser = createParser({
        onEvent: ({ event, data }) => data && (event ?? 'message') === 'message' && sort(data),
      });
      let whole = '';
      answer.on('data', (piece: string) => (streams ? parser.feed(piece) : (whole += piece)));
      answer.on('error', (error) =>
        reject(error instanceof McpError ? error : new McpError(5, `broken: ${error.message}`)),
      );
      answer.on('end', () => {
        if (streams) return reject(new McpError(5, 'the stream is over, and no answer was in it'));
        try {
          JSON.parse(whole);
        } catch (error) {
          return reject(new McpError(5, String(error)));
        }
        sort(whole);
        reject(new McpError(5, 'not the answer'));
      });
    }, reject);
  });
}

function unexpected(message: any): void {
  if (typeof message?.method !== 'string' || Array.isArray(message)) return console.error('ignored', message);
  if (message.id !== undefined) {
    const answer =
      message.method === 'ping' ? { result: {} } : { error: { code: -32601, message: 'Method not found' } };
    send('POST', { jsonrpc: '2.0', id: message.id, ...answer }).then((done) => done.destroy(), refused);
    return;
  }
  const { level, data } = message.params ?? {};
  const show = typeof data === 'string' ? data : JSON.stringify(data);
  const rest = message.params === undefined ? '' : ` ${JSON.stringify(message.params)}`;
  process.stdout.write(
    `NOTIFICATION: ${message.method === 'notifications/message' ? `${level} ${show}` : `${message.method}${rest}`}\n`,
  );
}

async function main(): Promise<void> {
  const agreed = await exchange('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'raw', title: 'Raw', version: '0' },
  });
  if (!spoken.has(agreed.protocolVersion)) throw new McpError(1, `cannot speak ${agreed.protocolVersion}`);
  session.version = agreed.protocolVersion;
  (await send('POST', { jsonrpc: '2.0', method: 'notifications/initialized', params: {} })).destroy();
  await send('GET').then(
    (stream) => stream.destroy(),
    () => {},
  ); // not needed after all
  const result = await exchange('tools/call', { name: 'process_files', arguments: { message: text } });
  const words = (Array.isArray(result.content) ? result.content : [])
    .filter((block: any) => block.type === 'text')
    .map((block: any) => block.text)
    .join('\n');
  if (result.isError) throw new McpError(8, words);
  console.log('RESULT:', words);
}

/** Ends the client when the server has not taken a response. */
function refused(error: McpError): void {
  console.error(error.message);
  process.exit(error.code);
}

await main().catch((error) => {
  console.error(error.message.replaceAll('\n', ' '));
  process.exitCode = error.code ?? 1;
});
if (session.id)
  await Promise.race([
    send('DELETE').then(
      (answer) => answer.destroy(),
      () => {},
    ),
    new Promise((resolve) => setTimeout(resolve, 1000)),
  ]);
process.exit();
