// What a tool is, and tools that somebody else has written.
import { pathToFileURL } from 'node:url';
import type { z } from 'zod';

/** What a tool does, for a client to list and a server to call. */
export type Tool<Input extends z.ZodObject = z.ZodObject> = {
  name: string;
  /** Its name for people, from lesson 26 on. */
  title?: string;
  description: string;
  /** What a host may expect of it, such as that it only reads (MCP 2025-11-25, server/tools), from lesson 26 on. */
  annotations?: {
    readOnlyHint?: boolean;
    destructiveHint?: boolean;
    idempotentHint?: boolean;
    openWorldHint?: boolean;
  };
  /** What its arguments must be. */
  input: Input;
  /** The capabilities that a client must have for this tool, such as `{ sampling: {} }`, from lesson 21 on. */
  requires?: Record<string, object>;
  /** What its structured content is, from lesson 26 on. */
  output?: z.ZodObject;
  /** Does the work. An error that it throws is a failure of the tool, not of the protocol. */
  run(args: z.infer<Input>, context: Context): Promise<ToolResult>;
};

/** The result of a `tools/call` (MCP 2025-11-25, server/tools). */
export type ToolResult = {
  content: ({ type: 'text'; text: string } | { type: string })[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
};

/** What a tool may do while it is at work. */
export type Context = {
  /** Tells the client something; `level` is one of the eight of RFC 5424, `logger` says who speaks. */
  log(level: string, data: unknown, logger?: string): void;
  /**
   * Tells the client how much of the work is done, from lesson 13 on; `total` is how much there is, if the tool knows it,
   * and `message` says it in words.
   */
  progress?(progress: number, total?: number, message?: string): void;
  /** Aborts when the client cancels the call, from lesson 14 on. */
  signal?: AbortSignal;
  /** Closes the connection of the call, which continues: the client comes back for the rest. Only some servers can do this. */
  closeConnection?(): void;
};

/** Further tools, which your server offers beside its own: none, unless there is a file of some in `MORE_TOOLS`. */
export const moreTools: Tool[] = process.env.MORE_TOOLS
  ? ((await import(pathToFileURL(process.env.MORE_TOOLS).href)) as { tools: Tool[] }).tools
  : [];
