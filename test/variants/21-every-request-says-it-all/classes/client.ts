import { request as httpRequest, type IncomingMessage } from 'node:http';
import { eventReader } from '#support/event-reader.ts';
import { isResponse, type JsonRpcResponse } from '#support/json-rpc.ts';
import { metaKeys, toHeader } from '#support/stateless.ts';

// A class for the client, node:http for its requests, and a loop over the revisions that are left to try.
class Failed extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

class StatelessClient {
  #ids = 100;
  #revisions: string[];
  readonly url: string;
  constructor(url: string, revisions: string[]) {
    this.url = url;
    this.#revisions = revisions;
  }

  async callTool(name: string, args: object): Promise<Record<string, any>> {
    let revision = this.#revisions[0]!;
    for (const refused = new Set<string>(); ;) {
      const answer = await this.#ask(revision, name, args);
      if ('result' in answer) return answer.result;
      const { code, message, data } = answer.error;
      if (code !== -32022) throw new Failed(7, message);
      refused.add(revision);
      const supported = ((data as { supported?: string[] } | undefined)?.supported ?? []).filter(
        (each) => !refused.has(each),
      );
      const next = this.#revisions.find((each) => supported.includes(each));
      if (!next) throw new Failed(1, `the server speaks ${JSON.stringify(data)}`);
      revision = next;
    }
  }

  async #ask(revision: string, name: string, args: object): Promise<JsonRpcResponse> {
    const id = `call ${++this.#ids}`;
    const _meta = {
      progressToken: this.#ids,
      [metaKeys.protocolVersion]: revision,
      [metaKeys.clientInfo]: { name: 'classes', version: '3' },
      [metaKeys.clientCapabilities]: {},
    };
    const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args, _meta } });
    const headers = {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'MCP-PROTOCOL-VERSION': revision,
      'MCP-METHOD': 'tools/call',
      'MCP-NAME': toHeader(name),
    };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = httpRequest(this.url, { method: 'POST', headers, agent: false }, resolve);
      sent.on('error', (error) => reject(new Failed(2, error.message)));
      sent.end(body);
    });
    response.setEncoding('utf8');
    let found: JsonRpcResponse | undefined;
    const take = (text: string) => {
      const message = JSON.parse(text);
      if (isResponse(message) && message.id === id) found = message;
      else if (message.method === 'notifications/progress') {
        const { progress, total, message: text } = message.params;
        console.log(`PROGRESS: ${progress}/${total} ${text}`);
      }
    };
    if (response.headers['content-type']?.startsWith('text/event-stream')) {
      const { read } = eventReader(({ data }) => take(data));
      for await (const piece of response) {
        read(piece);
        if (found) break;
      }
    } else {
      let text = '';
      for await (const piece of response) text += piece;
      try {
        take(text);
      } catch {
        throw new Failed(3, `${response.statusCode} and no JSON`);
      }
    }
    if (!found) throw new Failed(response.statusCode! >= 300 ? 3 : 5, `${response.statusCode} without a response`);
    return found;
  }
}

const [, , url = 'http://127.0.0.1:3000/mcp', message = 'hello'] = process.argv;
const { REVISIONS = '2026-07-28', TOOL = 'process_files' } = process.env;
try {
  const result = await new StatelessClient(url, REVISIONS.split(',')).callTool(TOOL, { message });
  if ((result.resultType ?? 'complete') !== 'complete') throw new Failed(1, `the result is ${result.resultType}`);
  if (result.isError) throw new Failed(8, JSON.stringify(result.content));
  console.log(`RESULT: ${result.content.map((each: { text: string }) => each.text).join('\n')}`);
} catch (error) {
  console.error((error as Error).message.replaceAll('\n', ' '));
  process.exitCode = (error as Partial<Failed>).exitCode ?? 1;
}
