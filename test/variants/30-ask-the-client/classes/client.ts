// The same client as a class, with lines from the promises of readline, and with rounds of its own in revision 2026-07-28.
import { createInterface, type Interface } from 'node:readline';
import {
  Client,
  LOG_LEVEL_META_KEY,
  StreamableHTTPClientTransport,
  type CallToolResult,
  type ElicitRequestFormParams,
  type ElicitResult,
} from '@modelcontextprotocol/client';

type Value = string | number | boolean;
type Field = { type: string; description?: string; default?: unknown };

class Asker {
  private readonly waiting: ((line: string | undefined) => void)[] = [];
  private readonly typed: string[] = [];
  private over = false;
  private readonly input: Interface;
  private readonly given: Map<string, string>;

  constructor(words: string[]) {
    this.given = new Map(
      words.map((each): [string, string] => {
        const at = each.indexOf('=');
        return at < 0 ? [each, ''] : [each.slice(0, at), each.slice(at + 1)];
      }),
    );
    this.input = createInterface({ input: process.stdin });
    this.input.on('line', (line) => {
      const next = this.waiting.shift();
      if (next) next(line);
      else this.typed.push(line);
    });
    this.input.on('close', () => {
      this.over = true;
      for (const next of this.waiting.splice(0)) next(undefined);
    });
  }

  close(): void {
    this.input.close();
  }

  async ask({ message, requestedSchema }: ElicitRequestFormParams): Promise<ElicitResult> {
    process.stdout.write(`QUESTION: ${message}\n`);
    if (this.take('decline') !== undefined) return { action: 'decline' };
    const content: Record<string, Value> = {};
    for (const [name, field] of Object.entries(requestedSchema.properties) as [string, Field][]) {
      let text = this.take(name);
      if (text === undefined && field.default !== undefined) content[name] = field.default as Value;
      if (text === undefined && field.default === undefined && requestedSchema.required?.includes(name)) {
        process.stdout.write(`FIELD: ${name} (${field.description})\n`);
        text = await this.line();
        if (text === undefined) return { action: 'cancel' };
      }
      if (text !== undefined) content[name] = Asker.value(text, field.type);
    }
    return { action: 'accept', content };
  }

  private take(name: string): string | undefined {
    const text = this.given.get(name);
    this.given.delete(name);
    return text;
  }

  private line(): Promise<string | undefined> {
    if (this.typed.length > 0) return Promise.resolve(this.typed.shift());
    if (this.over) return Promise.resolve(undefined);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private static value(text: string, type: string): Value {
    switch (type) {
      case 'boolean':
        return ['true', 'yes', '1'].includes(text.toLowerCase());
      case 'number':
      case 'integer':
        return Number(text);
      default:
        return text;
    }
  }
}

const [url = 'http://127.0.0.1:3000/mcp', message = 'hello', ...words] = process.argv.slice(2);
const asker = new Asker(words);
const stop = new AbortController();
const client = new Client(
  { name: 'classes', version: '1.0.0' },
  {
    versionNegotiation: { mode: 'auto' },
    capabilities: { elicitation: { form: {} } },
    inputRequired: { autoFulfill: false },
  },
);
client.setNotificationHandler('notifications/message', ({ params }) => {
  const data = typeof params.data === 'string' ? params.data : JSON.stringify(params.data);
  process.stdout.write(`NOTIFICATION: ${params.level} ${data}\n`);
});
client.setRequestHandler('elicitation/create', ({ params }) => asker.ask(params as ElicitRequestFormParams));
process.once('SIGINT', () => {
  process.exitCode = 130;
  stop.abort(new Error('given up'));
  asker.close();
});

type Asking = {
  resultType?: string;
  inputRequests?: Record<string, { method: string; params: ElicitRequestFormParams }>;
  requestState?: string;
};

const transport = new StreamableHTTPClientTransport(new URL(url));
try {
  await client.connect(transport, { signal: stop.signal });
  let round: Record<string, unknown> = {};
  for (;;) {
    const params = { name: 'process_files', arguments: { message }, _meta: { [LOG_LEVEL_META_KEY]: 'info' }, ...round };
    const options = { signal: stop.signal, timeout: 600_000, allowInputRequired: true };
    const result = (await client.callTool(params, options)) as CallToolResult & Asking;
    if (result.resultType !== 'input_required') {
      const text = result.content.map((block) => (block.type === 'text' ? block.text : '')).join('\n');
      if (result.isError) process.exitCode = 8;
      if (result.isError) console.error(text);
      else process.stdout.write(`RESULT: ${text}\n`);
      break;
    }
    const inputResponses: Record<string, ElicitResult> = {};
    for (const [key, request] of Object.entries(result.inputRequests ?? {})) {
      inputResponses[key] = await asker.ask(request.params);
      stop.signal.throwIfAborted();
    }
    round = { inputResponses, ...(result.requestState !== undefined && { requestState: result.requestState }) };
  }
} catch (error) {
  console.error((error as Error).message.replaceAll(/\s+/g, ' '));
  process.exitCode ??= 1;
} finally {
  asker.close();
  await transport.terminateSession().catch(() => {});
  await client.close();
}
