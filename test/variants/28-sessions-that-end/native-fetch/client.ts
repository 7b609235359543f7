// The platform's own fetch and web streams; ids from 0; what a failure means is told at one place, from what was thrown.
// A session is begun in a loop, so the second one begins like the first.
type Message = { id?: unknown; method?: string; params?: any; result?: any; error?: any };

const url = process.argv[2]!;
const common = new Headers({ accept: 'application/json, text/event-stream' });
let nextId = 0;

function intoEvents(): TransformStream<string, string> {
  let rest = '';
  return new TransformStream({
    transform(piece, controller) {
      rest += piece;
      for (let end; (end = /(\r\n|\n|\r(?!\n|$)){2}/.exec(rest)); rest = rest.slice(end.index + end[0].length)) {
        const fields = rest.slice(0, end.index).split(/\r\n|\n|\r/);
        const value = (name: string) =>
          fields.flatMap((line) =>
            line === name ? [''] : line.startsWith(`${name}:`) ? [line.slice(name.length + 1).replace(/^ /, '')] : [],
          );
        const type = value('event').at(-1) || 'message';
        if (type === 'message') controller.enqueue(value('data').join('\n'));
      }
    },
  });
}

const post = async (message: object, signal = limit().signal): Promise<Response> => {
  const headers = new Headers(common);
  headers.set('content-type', 'application/json');
  if (process.env.TIME_LIMIT) takeLong();
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(message), signal });
  if (response.ok) return response;
  const lost = response.status === 404 && headers.has('mcp-session-id');
  if (lost) void response.body?.cancel();
  const { message: why = '' } = await (lost ? Promise.reject() : response.json()).then(
    (body) => (body as { error?: { message?: string } } | null)?.error ?? {},
    () => ({}) as { message?: string },
  );
  throw Object.assign(new Error(`status ${response.status} ${why}`), { exit: 3, lost });
};

/** As on a busy machine: with a limit as short as this, the client gives up before its request is out. */
function takeLong(): void {
  const began = performance.now();
  while (performance.now() - began < 250);
}

function limit(): AbortController {
  const controller = new AbortController();
  setTimeout(
    () => controller.abort(Object.assign(new Error('too late'), { exit: 6 })),
    Number(process.env.TIME_LIMIT ?? 30_000),
  ).unref();
  return controller;
}

const handlers: Record<string, (params: any) => string> = {
  'notifications/message': ({ level, data }) =>
    [level, typeof data === 'string' ? data : JSON.stringify(data)].join(' '),
};

function other(message: Message | null): void {
  if (message === null || Array.isArray(message) || typeof message.method !== 'string') {
    console.error('unexpected: %j', message);
  } else if ('id' in message) {
    const { id, method } = message;
    const outcome = method === 'ping' ? { result: {} } : { error: { code: -32601, message: `no ${method} here` } };
    void post({ jsonrpc: '2.0', id, ...outcome })
      .then((response) => response.body?.cancel())
      .catch((error) => console.error(error.message));
  } else {
    const { method, params } = message;
    const line = Object.hasOwn(handlers, method)
      ? handlers[method]!(params)
      : [method, JSON.stringify(params)].filter(Boolean).join(' ');
    console.log(`NOTIFICATION: ${line}`);
  }
}

async function ask(method: string, params: object): Promise<{ result: any; session: string | null }> {
  const id = nextId++;
  const { signal } = limit();
  const response = await post({ jsonrpc: '2.0', id, method, params }, signal);
  const given = response.headers.get('mcp-session-id');
  const settle = ({ result, error }: Message) => {
    if (error) throw Object.assign(new Error(`${error.message} (${error.code})`), { exit: 7 });
    return { result, session: given };
  };
  const [type] = (response.headers.get('content-type') ?? 'nothing').toLowerCase().split(/\s*;/);
  if (type === 'application/json') {
    const message = (await response.json().catch((error: Error & { exit?: number }) => {
      throw Object.assign(new Error(error.message), { exit: error.exit ?? 5 });
    })) as Message | null;
    if (message?.id === id && !message.method) return settle(message);
    throw Object.assign(new Error(`not the answer: ${JSON.stringify(message)}`), { exit: 5 });
  }
  if (type !== 'text/event-stream') throw Object.assign(new Error(`cannot read ${type}`), { exit: 4 });
  const decoder = new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>;
  const reader = response.body!.pipeThrough(decoder).pipeThrough(intoEvents()).getReader();
  for (;;) {
    const { value, done } = await reader.read().catch((error: Error & { exit?: number }) => {
      throw Object.assign(new Error(error.message), { exit: error.exit ?? 5 });
    });
    if (done) throw Object.assign(new Error('over, and no answer'), { exit: 5 });
    if (!value) continue;
    let message: Message | null;
    try {
      message = JSON.parse(value);
    } catch {
      console.error('cannot read', value);
      continue;
    }
    if (message && message.id === id && !message.method && ('result' in message || 'error' in message)) {
      const settled = settle(message);
      // To the end, as long as the server likes.
      void (async () => {
        while (!(await reader.read()).done);
      })().catch(() => {});
      return settled;
    }
    other(message);
  }
}

let session: string | null = null;
let leave = new AbortController();
let listening: Promise<void> | undefined;

/** What goes wrong here is nobody's concern. */
async function listen(): Promise<void> {
  try {
    const headers = new Headers(common);
    headers.set('accept', 'text/event-stream;q=1');
    const { body, headers: answered, status } = await fetch(url, { headers, signal: leave.signal });
    if (status !== 200 || !answered.get('content-type')?.toLowerCase().startsWith('text/event-stream')) {
      return await body?.cancel();
    }
    const decoder = new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>;
    const events = body!.pipeThrough(decoder).pipeThrough(intoEvents());
    for await (const event of events as unknown as AsyncIterable<string>) if (event) other(JSON.parse(event));
  } catch {}
}

async function begin(): Promise<void> {
  for (const name of ['mcp-session-id', 'mcp-protocol-version']) common.delete(name);
  session = null;
  const begun = await ask('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: { experimental: {} },
    clientInfo: { name: 'web', version: '2' },
  });
  session = begun.session;
  if (session !== null) common.set('mcp-session-id', session);
  const { protocolVersion } = begun.result;
  if (protocolVersion !== '2025-11-25' && protocolVersion !== '2025-06-18')
    throw new Error(`version ${protocolVersion}?`);
  common.set('mcp-protocol-version', protocolVersion);
  void (await post({ jsonrpc: '2.0', method: 'notifications/initialized' })).body?.cancel();
  leave = new AbortController();
  listening = listen();
}

async function callTool(): Promise<any> {
  for (let attempt = 1; ; attempt++) {
    await begin();
    try {
      return (await ask('tools/call', { name: 'process_files', arguments: { message: process.argv[3] } })).result;
    } catch (error) {
      if (!(error as { lost?: boolean }).lost || attempt === 2) throw error;
      leave.abort();
      await listening;
    }
  }
}

try {
  const call = { result: await callTool() };
  const texts = [call.result.content ?? []]
    .flat()
    .filter(({ type }: { type: string }) => type === 'text')
    .map(({ text }: { text: string }) => text);
  if (call.result.isError) throw Object.assign(new Error(texts.join(' ')), { exit: 8 });
  console.log('RESULT: %s', texts.join('\n'));
} catch (error) {
  const { message, exit, name, cause } = error as Error & { exit?: number };
  console.error(message.split('\n')[0]);
  process.exitCode = exit ?? (name === 'AbortError' || name === 'TimeoutError' ? 6 : cause ? 2 : 1);
}
leave.abort();
await listening;
if (session !== null) {
  const signal = AbortSignal.timeout(1000);
  await fetch(url, { method: 'DELETE', headers: common, signal }).then(
    (response) => response.body?.cancel(),
    () => {},
  );
}
