// The official MCP clients, of either generation of the TypeScript SDK, as judges of a learner's server.
import { expect, Failure } from '../run/failure.ts';
import type { Server } from '../run/run.ts';
import { finished, release, workMs } from './http.ts';

export type Generation = 'first' | 'second';

/** An official client, connected. What it cannot do is a failure of the server. */
export type OfficialClient = {
  /** The names of the tools that it finds. */
  listTools(): Promise<string[]>;
  /** The first text of the tool's result. */
  callTool(name: string, args: object): Promise<unknown>;
};

/** What a grader does with a client of either generation. */
type SdkClient = {
  connect(transport: object): Promise<void>;
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(params: object): Promise<{ content?: unknown }>;
  close(): Promise<void>;
};

const generations = {
  first: async () => ({
    ...(await import('@modelcontextprotocol/sdk/client/index.js')),
    ...(await import('@modelcontextprotocol/sdk/client/streamableHttp.js')),
  }),
  second: () => import('@modelcontextprotocol/client'),
};

/** Connects the official client of this generation, until the end of the run; all held work is released meanwhile. */
export async function officialClient(server: Server, generation: Generation): Promise<OfficialClient> {
  const { Client, StreamableHTTPClientTransport } = await generations[generation]();
  const fetch = (url: string | URL, init?: RequestInit) => recorded(server, url, init);
  const transport = new StreamableHTTPClientTransport(new URL('/mcp', server.url), { fetch });
  const client = new Client({ name: 'grader', version: '1.0.0' }) as unknown as SdkClient;
  server.run.atEnd(() => {
    client.close().catch(() => {});
    server.run.changed(); // ends the waiting for a stream that is still open
  });
  await does(server, 'connect', client.connect(transport));
  return {
    listTools: async () => (await does(server, 'list the tools', client.listTools())).tools.map(({ name }) => name),
    async callTool(name, args) {
      const { content } = await does(server, `call ${name}`, client.callTool({ name, arguments: args }));
      return Array.isArray(content) ? content[0]?.text : undefined;
    },
  };
}

/** Waits for what a client does. */
async function does<T>({ program, run }: Server, what: string, doing: Promise<T>): Promise<T> {
  let over = false;
  const ended = run.expectSoon(
    () => {
      release(program);
      return over;
    },
    () => ({
      cause: `The official client could not ${what}, because an answer that it waits for did not come.`,
      advice: 'Answer each request with a response that has its id, and end the answer.',
    }),
    program,
    workMs,
  );
  ended.catch(() => {});
  try {
    return await Promise.race([doing, ended.then(() => doing)]);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure({
      cause: `The official client could not ${what}, because the answer is not as the specification has it, or did not come.`,
      advice:
        'Compare the last answer in this capture with the lesson. Leave a member out when it has no value: null is a value.',
      output: inWords((error as Error).message),
    });
  } finally {
    over = true;
    run.changed();
  }
}

/** A fetch for an official client, so that the capture shows what it sends and receives. */
async function recorded(
  server: Server,
  url: string | URL,
  { method = 'GET', headers, body }: RequestInit = {},
): Promise<Response> {
  const sent = server.request(new URL(url).pathname, {
    method,
    headers: Object.fromEntries(new Headers(headers)),
    ...(body && { body: String(body) }),
  });
  const advice = 'Let the handler of each request end its response.';
  const endless = () => ({ cause: `The response to the ${method} of the official client does not end.`, advice });
  // Waits longer than `does`, which can say what the answer was for.
  await server.run.expectSoon(() => finished(sent), endless, server.program, 4 * workMs);
  const cause = `The connection broke before the ${method} of the official client was answered.`;
  expect(sent.broken === undefined, { cause, advice });
  return new Response(sent.text || null, { status: sent.status!, headers: sent.headers as Record<string, string> });
}

/** What an official client says of an answer: zod's list of what is wrong in it, or a sentence. */
function inWords(message: string): string {
  try {
    const issues = JSON.parse(message) as { path: string[]; message: string }[];
    return issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n');
  } catch {
    return message.slice(0, 300);
  }
}
