// The built-in fetch and web streams. One object holds what each request says, and the answer is read event by event.
const [, , url = 'http://127.0.0.1:3000/mcp', message = 'hello'] = process.argv;
const spoken = (process.env.REVISIONS ?? '2026-07-28').split(',');
const tool = process.env.TOOL ?? 'process_files';
const prefix = 'io.modelcontextprotocol/';

type Message = {
  id?: unknown;
  method?: string;
  params?: any;
  result?: any;
  error?: { code: number; message: string; data?: any };
};
class Trouble extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const plain = /^[!-~]([ -~]*[!-~])?$/;
const safe = (name: string) =>
  plain.test(name) && !(name.startsWith('=?base64?') && name.endsWith('?='))
    ? name
    : `=?base64?${Buffer.from(name, 'utf8').toString('base64')}?=`;

async function call(revision: string): Promise<Message> {
  const id = crypto.randomUUID();
  const answer = await fetch(url, {
    method: 'POST',
    signal: AbortSignal.timeout(Number(process.env.TIME_LIMIT ?? 60_000)),
    headers: {
      accept: 'text/event-stream, application/json',
      'content-type': 'application/json',
      'mcp-protocol-version': revision,
      'mcp-method': 'tools/call',
      'mcp-name': safe(tool),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: {
        _meta: {
          [`${prefix}protocolVersion`]: revision,
          [`${prefix}clientCapabilities`]: { extensions: {} },
          [`${prefix}clientInfo`]: { name: 'native', version: '2', title: 'Native' },
          progressToken: `for ${id}`,
        },
        name: tool,
        arguments: { message },
      },
    }),
  });
  const isJson = answer.headers.get('content-type')?.includes('json');
  if (!answer.ok) {
    const refusal = isJson ? ((await answer.json()) as Message) : {};
    if (refusal.error?.code === -32022) return refusal;
    throw new Trouble(3, `${answer.status} ${refusal.error?.message ?? ''}`);
  }
  if (isJson) return (await answer.json()) as Message;
  let rest = '';
  for await (const piece of answer.body!.pipeThrough(new TextDecoderStream())) {
    rest += piece;
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const lines = rest.slice(0, end).split('\n');
      rest = rest.slice(end + 2);
      const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim());
      if (data.length === 0) continue;
      const got = JSON.parse(data.join('\n')) as Message;
      if (got.id === id && !got.method) return got;
      if (got.method !== 'notifications/progress') continue;
      const { progress, total, message } = got.params;
      process.stdout.write(`PROGRESS: ${progress}/${total} ${message}\n`);
    }
  }
  throw new Trouble(5, 'no response');
}

try {
  let answer = await call(spoken[0]!);
  if (answer.error?.code === -32022) {
    const offered: string[] = answer.error.data?.supported ?? [];
    const next = spoken.find((each) => offered.includes(each));
    if (!next) throw new Trouble(1, `no common revision: the server has ${offered}`);
    answer = await call(next);
    if (answer.error?.code === -32022)
      throw new Trouble(1, `the server does not speak ${answer.error.data?.supported}`);
  }
  if (answer.error) throw new Trouble(7, answer.error.message);
  const { content, isError, resultType } = answer.result;
  if (resultType !== undefined && resultType !== 'complete') throw new Trouble(1, `what is ${resultType}?`);
  const texts = content.map(({ text }: { text?: string }) => text ?? '').join('\n');
  if (isError) throw new Trouble(8, texts);
  console.log(`RESULT: ${texts}`);
} catch (error) {
  console.error(String((error as Error).message).replaceAll('\n', ' '));
  process.exitCode = error instanceof Trouble ? error.code : 2;
}
