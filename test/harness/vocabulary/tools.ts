// Tools of an MCP server (MCP 2025-11-25, server/tools): how they are listed, and what a call of one comes to.
import { expect, Failure, type Explanation } from '../run/failure.ts';
import { finished } from './http.ts';
import type { McpClient, Posted, Why } from './mcp-client.ts';
import { asJson, look, type Looked } from './value.ts';
import { isObject, type Message } from '../wire/json.ts';

/** The result of a request; in MCP each is an object. */
export const objectIn = (posted: Posted, why?: Why): Looked =>
  posted.result(why).object('The result is not an object.', {
    advice: 'Return an object: a list is the value of one of its members.',
  });

/** The tools that a server lists, and the answer with the first page of them. */
type ToolList = { first: Posted; tools: Named[] };

type Named = Message & { name: string };

/** The whole list, which a server may give in pages: each but the last names the next with a cursor. */
export async function listTools(client: McpClient, params?: object): Promise<ToolList> {
  const { posted: first, tools, nextCursor } = await pageOf(client, params);
  for (let cursor = nextCursor; cursor !== undefined;) {
    const next = await pageOf(client, { cursor });
    const again = next.tools.some(({ name }) => tools.some((tool) => tool.name === name));
    expect(!again && (next.tools.length > 0 || next.nextCursor === undefined), {
      cause:
        'The list of tools does not end: its nextCursor says that there is more, but the next page has no new tool.',
      compare: { expected: '(no nextCursor)', received: `"nextCursor":${asJson(cursor)}` },
      advice:
        'Leave nextCursor out when all tools are in the result: a client asks for the next page as long as there is a nextCursor.',
      see: first.see,
    });
    tools.push(...next.tools);
    cursor = next.nextCursor;
  }
  return { first, tools };
}

async function pageOf(client: McpClient, params?: object) {
  const posted = await client.ask('tools/list', params);
  const result = objectIn(posted);
  const tools = result.at('tools').array('The tools are not an array.', {
    missing: 'The result has no tools.',
    advice: 'Give the result a member tools: an array with an object for each tool.',
  });
  for (const tool of tools) {
    look(tool, '', posted.see).at('name').string('A tool in the list has no name.', {
      advice: 'Each tool is an object with a name, a description and an inputSchema.',
    });
  }
  const { value: nextCursor } = result.at('nextCursor');
  return { posted, tools: tools as Named[], nextCursor: typeof nextCursor === 'string' ? nextCursor : undefined };
}

/** A tool with its description and its schema, as a list has it. */
type ListedTool = { name: string; description: string; inputSchema: Message };

/**
 * The one tool of this name.
 * @param absent is the advice when it is not in the list
 * @param see the command that shows it; empty for a tool that only the grader's server has
 */
export function toolIn({ first, tools }: ToolList, name: string, absent: string, see = first.see): ListedTool {
  const [found, second] = tools.filter((tool) => tool.name === name);
  const names = tools.map((tool) => tool.name).join(', ') || '(an empty list)';
  expect(found, {
    cause: `The tool ${name} is not in the list.`,
    compare: { expected: name, received: names },
    advice: absent,
    see,
  });
  expect(!second, {
    cause: `The tool ${name} is in the list twice.`,
    compare: { expected: name, received: names },
    advice: 'List each tool once: a client looks a tool up by its name.',
    see,
  });
  const tool = look(found, '', see);
  const description = tool.at('description').string(`The tool ${name} has no description that is a string.`, {
    advice: 'Give the tool a description: a model chooses a tool by it.',
  });
  const elsewhere = Object.keys(found).some((key) => /schema|param/i.test(key));
  const member = tool.at('inputSchema');
  member.object(`The inputSchema of ${name} is not an object.`, {
    missing: `The tool ${name} has no inputSchema.`,
    like: '{"type":"object", …}',
    advice: !tool.has('inputSchema')
      ? elsewhere
        ? 'Call the member inputSchema: a client looks for no other name.'
        : 'Make it of the input of the tool, with z.toJSONSchema.'
      : 'Send JSON Schema as an object, and not as a string.',
  });
  const inputSchema = member.value as Message;
  const like = '"inputSchema":{"type":"object","properties":{…}}';
  member.expect(
    !['def', '_def', '_zod', 'shape', '~standard'].some((inside) => inside in inputSchema),
    `The inputSchema of ${name} is the inside of a zod object, and not JSON Schema.`,
    { like, advice: 'Make JSON Schema of it with z.toJSONSchema(input).' },
  );
  member.expect(inputSchema.type === 'object', `The inputSchema of ${name} does not have the type object.`, {
    like,
    advice:
      'Describe the object with all arguments, whose properties are the arguments: the arguments of a tool are always an object.',
  });
  return { name, description, inputSchema };
}

/**
 * A validator of JSON Schema that we did not write accepts these arguments by the schema of the tool, and refuses those.
 * @param like the schema as a verdict shows it
 */
export async function expectSchema(
  { name, inputSchema }: ListedTool,
  { accepted, refused = [] }: { accepted: readonly object[]; refused?: readonly object[] },
  { like = 'what z.toJSONSchema makes of its input', see = '' } = {},
): Promise<void> {
  const schema = look(inputSchema, '', see);
  const { AjvJsonSchemaValidator } = await import('@modelcontextprotocol/client/validators/ajv');
  let accepts: (args: object) => boolean;
  try {
    const validate = new AjvJsonSchemaValidator().getValidator(inputSchema);
    accepts = (args) => validate(args).valid;
  } catch (error) {
    throw new Failure({
      cause: `The inputSchema of ${name} is not valid JSON Schema: ${(error as Error).message.split('. ')[0]}.`,
      compare: { expected: like, received: asJson(inputSchema) },
      advice:
        'Name the required arguments in required, an array beside properties. z.toJSONSchema(input) makes the whole schema.',
      see,
    });
  }
  for (const args of accepted) {
    schema.expect(accepts(args), `The inputSchema of ${name} refuses the arguments ${asJson(args)}.`, {
      like,
      advice: 'Make the schema of the input of this tool: a client that keeps to this schema could not call it.',
    });
  }
  for (const args of refused) {
    schema.expect(!accepts(args), `The inputSchema of ${name} takes the arguments ${asJson(args)}.`, {
      like,
      advice:
        Object.keys(args).length === 0
          ? 'Name the required arguments in required, an array beside properties.'
          : 'Give each property a schema of its own, with its type.',
    });
  }
}

/** The content of a tool's result. */
export function contentOf(result: Looked): Message[] {
  const like = '[{"type":"text","text":"…"}]';
  const cause = 'The content of the result is not an array of objects.';
  const advice =
    'Make content an array, also when there is one text in it: a result can hold several texts and images.';
  const content = result.at('content');
  const parts = content.array(cause, { missing: 'The result has no content.', like, advice });
  content.expect(parts.every(isObject), cause, { like: `"content":${like}`, advice });
  return parts as Message[];
}

/** The first text in the content of a tool's result. */
export const firstText = (result: Looked): string =>
  String(contentOf(result).find(({ type }) => type === 'text')?.text);

/** The result of a tool is this one text, and no failure; `why` says more of an answer that is not a result. */
export function expectText(posted: Posted, text: string, advice: string, why?: Why): void {
  const result = objectIn(posted, why);
  const parts = contentOf(result);
  const content = result.at('content');
  const like = `"content":[{"type":"text","text":${asJson(text)}}]`;
  const { value: isError } = result.at('isError');
  result.expect(isError === undefined || isError === false, `${posted.what} came out as a failure of the tool.`, {
    like,
    advice,
  });
  content.expect(parts.length === 1, `The content of the result has ${parts.length} parts.`, { like, advice });
  content.expect(parts[0]!.type === 'text', 'The content of the result does not have the type text.', { like, advice });
  content.expect(parts[0]!.text === text, 'The text of the result is wrong.', { like, advice });
}

/** The text of a result that is a failure of a tool: it says what is wrong. */
export function failureText(result: Looked): string {
  const text = contentOf(result)
    .map((part) => (part.type === 'text' ? part.text : ''))
    .join('\n');
  result.expect(/\S/.test(text), 'The result has isError: true, but no text that says what is wrong.', {
    like: '"content":[{"type":"text","text":"…"}]',
    advice: 'Say in the text what is wrong: a model reads it and can try again.',
  });
  return text;
}

/** The tool has failed: a result with isError, whose text has this reason in it and no stack. */
export function expectToolFailure(posted: Posted, reason: string): void {
  const result = objectIn(posted, {
    cause: 'The failure of a tool was answered with an error of JSON-RPC.',
    advice:
      'Answer with a result that has isError: true. An error says that the request was wrong, but here the tool has run and failed, and the model should read why.',
  });
  result
    .at('isError')
    .is(
      true,
      'The tool threw an error, but its result does not have isError: true.',
      'Set isError to true: without it, the model takes the text for what the tool has found.',
    );
  const text = failureText(result);
  const shown = look(text, 'text', posted.see);
  shown.expect(text.includes(reason), 'The text does not say why the tool failed.', {
    like: `"text":${asJson(reason)}`,
    advice: 'Send error.message: the model can try another way only when it reads what went wrong.',
  });
  look(`${text.split('\n')[0]}\n    at …`, 'text', posted.see).expect(
    !/\n\s+at /.test(text),
    'The text has the whole stack of the error in it, so the model, and whoever reads along, learns how your files are called.',
    {
      like: `"text":${asJson(reason)}`,
      advice: 'Send error.message, which is the sentence: error.stack has the lines of the program as well.',
    },
  );
}

/** Waits for the answer to a message for which no tool must run; `ran` says why it is wrong that one does. */
export async function doneWithoutTool(posted: Posted, ran: Explanation): Promise<Posted> {
  expect(!(await posted.atWork()), {
    ...ran,
    ...(finished(posted) && {
      cause: `${posted.what} was refused, but the tool was run all the same.`,
      advice:
        'Return from the function where something is refused: refuse writes an answer, and does not return for you.',
    }),
    see: posted.see,
  });
  return posted.done();
}
