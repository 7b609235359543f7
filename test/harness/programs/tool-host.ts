// Runs the tools that a grader brings along for a server that a command has started: they are in TypeScript, and such a
// server may not be. It gets each connection of the server from the grader. docs/any-language.md says what goes over it.
import type { Socket } from 'node:net';
import { relative, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { inspect } from 'node:util';
import { z } from 'zod';
import { importTypeScript } from '../fast-start/commands.js';
import type { Context, Tool } from '../../../lessons/support/tools.ts';
import { root } from '../folders.js';

process.on('disconnect', () => process.exit());
process.on('message', (_connection, socket) => void loaded.then(({ tools }) => serve(socket as Socket, tools)));

const loaded = importTypeScript(relative(root, process.env.MORE_TOOLS!).split(sep).join('/')) as Promise<{
  tools: Tool[];
}>;

type Request = { call: unknown; list?: true; tool?: string; arguments?: unknown; cancel?: true };

function serve(socket: Socket, tools: Tool[]): void {
  const running = new Map<unknown, AbortController>();
  const tell = (call: unknown, what: object) => void socket.write(`${JSON.stringify({ call, ...what })}\n`);
  socket.setNoDelay(true).on('error', () => {});
  createInterface({ input: socket })
    .on('error', () => {})
    .on('line', (line) => {
      const { call, list, tool, arguments: args = {}, cancel } = JSON.parse(line) as Request;
      if (list) tell(call, { tools: tools.map(listed) });
      else if (cancel) running.get(call)?.abort();
      else {
        const stop = new AbortController();
        running.set(call, stop);
        void run(
          tools.find(({ name }) => name === tool),
          args,
          (what) => tell(call, what),
          stop.signal,
        ).then((end) => {
          running.delete(call);
          tell(call, end);
        });
      }
    });
  socket.on('close', () => {
    for (const stop of running.values()) stop.abort();
  });
}

const listed = ({ name, description, input }: Tool) => ({
  name,
  description,
  inputSchema: z.toJSONSchema(input, { io: 'input' }),
});

/** Runs a tool to its end, and returns the last message about it. */
async function run(tool: Tool | undefined, args: unknown, tell: (what: object) => void, signal: AbortSignal) {
  if (!tool) return { unknown: true };
  const context: Context = {
    log: (level, data, logger) => tell({ log: { level, data, ...(logger !== undefined && { logger }) } }),
    progress: (progress, total, message) =>
      tell({
        progress: { progress, ...(total !== undefined && { total }), ...(message !== undefined && { message }) },
      }),
    closeConnection: () => tell({ closeConnection: true }),
    signal,
  };
  // A tool can throw any value, and the checks of its input can throw too.
  try {
    const parsed = tool.input.safeParse(args);
    if (!parsed.success) return { invalid: z.prettifyError(parsed.error) };
    const result: unknown = await tool.run(parsed.data, context);
    JSON.stringify(result); // throws for what no message can hold
    return { result: result ?? null };
  } catch (error) {
    if (error instanceof Error) return { failed: error.message };
    return { failed: typeof error === 'string' ? error : inspect(error) };
  }
}
