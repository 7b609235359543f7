// Tools of an MCP server (MCP 2025-11-25, server/tools): how they are listed, and what a call of one comes to.
import { isDeepStrictEqual } from 'node:util';
import { expect, Failure, type Explanation } from '../run/failure.ts';
import { finished } from './http.ts';
import type { McpClient, Posted, Why } from './mcp-client.ts';
import { asJson, look, type Looked, type Words } from './value.ts';
import { fromJson, isObject, type Message } from '../wire/json.ts';

/** The result of a request; in MCP each is an object. */
export const objectIn = (posted: Posted, why?: Why): Looked =>
  posted.result(why).object('The result is not an object.', {
    advice: 'Make the result an object, and put a list into one of its members: every result of MCP is an object.',
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
      cause: 'The list of tools does not end: its nextCursor promises another page, but that page has no new tool.',
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

async function pageOf(
  client: McpClient,
  params?: object,
): Promise<{ posted: Posted; tools: Named[]; nextCursor?: string }> {
  const posted = await client.ask('tools/list', params);
  const result = objectIn(posted);
  const tools = result.at('tools').array('The tools are not an array.', {
    missing: 'The result has no tools.',
    advice: 'Give the result a member tools: an array with an object for each tool.',
  });
  for (const tool of tools) {
    look(tool, '', posted.see).at('name').string('A tool in the list has no name.', {
      advice: 'Make each tool an object with a name, a description and an inputSchema.',
    });
  }
  if (!result.has('nextCursor')) return { posted, tools: tools as Named[] };
  const { value: nextCursor } = result.at('nextCursor');
  result.at('nextCursor').expect(typeof nextCursor === 'string', 'The result has a nextCursor that is not a string.', {
    like: '(no nextCursor)',
    advice: 'Leave nextCursor out when all tools are in the result: null is a value too, and clients refuse it.',
  });
  return { posted, tools: tools as Named[], nextCursor: String(nextCursor) };
}

/** A tool with its schema, as a list has it. */
type ListedTool = { name: string; inputSchema: Message };

/**
 * The one tool of this name, which has a description.
 * @param absent is the advice when it is not in the list
 * @param see the command that shows it; empty for a tool that only the grader's server has
 */
export function toolIn(
  list: ToolList,
  name: string,
  absent: string,
  see = list.first.see,
): ListedTool & { description: string } {
  const tool = one(list, name, absent, see);
  const description = tool.at('description').string(`The tool ${name} has no description that is a string.`, {
    advice: 'Give the tool a description: a model chooses a tool by it.',
  });
  return { name, description, inputSchema: schemaOf(tool, name) };
}

/** The same for a lesson that demands no description: it is optional in MCP. */
export function anyToolIn(list: ToolList, name: string, absent: string): ListedTool {
  return { name, inputSchema: schemaOf(one(list, name, absent, list.first.see), name) };
}

function one({ tools }: ToolList, name: string, absent: string, see: string): Looked {
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
  return look(found, '', see);
}

function schemaOf(tool: Looked, name: string): Message {
  const elsewhere = Object.keys(tool.value as Message).some((key) => /schema|param/i.test(key));
  const member = tool.at('inputSchema');
  member.object(`The inputSchema of ${name} is not an object.`, {
    missing: `The tool ${name} has no inputSchema.`,
    like: '{"type":"object", …}',
    advice: !tool.has('inputSchema')
      ? elsewhere
        ? 'Call the member inputSchema: a client looks for no other name.'
        : "Add the member inputSchema. Make it from the tool's input with z.toJSONSchema(input, { io: 'input' })."
      : 'Send JSON Schema as an object: a schema inside a string is only text for a client.',
  });
  const inputSchema = member.value as Message;
  const like = '"inputSchema":{"type":"object","properties":{…}}';
  member.expect(
    !['def', '_def', '_zod', 'shape', '~standard'].some((inside) => inside in inputSchema),
    `The inputSchema of ${name} is the inside of a zod object, but it should be JSON Schema.`,
    { like, advice: "Make the schema with z.toJSONSchema(input, { io: 'input' }): a client has no zod object." },
  );
  member.expect(inputSchema.type === 'object', `The inputSchema of ${name} does not have the type object.`, {
    like,
    advice:
      'Send the whole schema that z.toJSONSchema returns. It describes an object, because the arguments of a tool are always an object.',
  });
  return inputSchema;
}

/**
 * A validator of JSON Schema that we did not write accepts these arguments by the schema of the tool, and refuses those.
 * @param like the schema as a verdict shows it
 */
export async function expectSchema(
  { name, inputSchema }: ListedTool,
  { accepted, refused = [] }: { accepted: readonly object[]; refused?: readonly object[] },
  {
    like = "what z.toJSONSchema(input, { io: 'input' }) returns",
    see = '',
    advice,
  }: { like?: string; see?: string; advice?: string } = {},
): Promise<void> {
  const schema = look(inputSchema, '', see);
  const validator = async (of: object) => {
    const validate = await validatorOf(look(of, '', see), `The inputSchema of ${name}`, {
      like,
      advice:
        "Send what z.toJSONSchema(input, { io: 'input' }) returns. If you write the schema yourself, list the required arguments in the array required, beside properties.",
    });
    return (args: object) => validate(args).valid;
  };
  const accepts = await validator(inputSchema);
  for (const args of accepted) {
    if (accepts(args)) continue;
    const refusesUnknown =
      inputSchema.additionalProperties === false &&
      (await validator({ ...inputSchema, additionalProperties: true }))(args);
    schema.expect(false, `The inputSchema of ${name} refuses the arguments ${asJson(args)}.`, {
      like,
      advice: refusesUnknown
        ? "This schema has additionalProperties: false, so it refuses arguments that the tool ignores. Send what z.toJSONSchema(input, { io: 'input' }) returns, and add nothing to it or to the input."
        : `Make the schema of this tool's own input, with z.toJSONSchema(input, { io: 'input' }). ${mayBeLeftOut}`,
    });
  }
  for (const args of refused) {
    schema.expect(!accepts(args), `The inputSchema of ${name} accepts the arguments ${asJson(args)}.`, {
      like,
      advice:
        advice ??
        (Object.keys(args).length === 0
          ? "List the required arguments in the array required, beside properties. z.toJSONSchema(input, { io: 'input' }) does it for you."
          : "Give each argument its own type in properties. z.toJSONSchema(input, { io: 'input' }) does it for you."),
    });
  }
}

const mayBeLeftOut =
  "Without { io: 'input' } you get the schema of the arguments after zod has filled in defaults and converted values, which no client sends.";

/** Tells whether a value conforms to a schema, and if not, why. */
export type Validate = (value: unknown) => { valid: boolean; errorMessage?: string | undefined };

/**
 * A validator of JSON Schema that we did not write, for this schema.
 * @param what begins the sentence: `The outputSchema of count_words`
 * @throws Failure when the schema is not valid JSON Schema
 */
export async function validatorOf(schema: Looked, what: string, words: Words): Promise<Validate> {
  const { AjvJsonSchemaValidator } = await import('@modelcontextprotocol/client/validators/ajv');
  try {
    return new AjvJsonSchemaValidator().getValidator(schema.value as Message);
  } catch (error) {
    schema.expect(false, `${what} is not valid JSON Schema: ${(error as Error).message.split('. ')[0]}.`, words);
    throw error;
  }
}

/** The outputSchema of a tool that is in the list. */
export function outputSchemaOf(list: ToolList, name: string, words: Words, see = list.first.see): Looked {
  const tool = look(
    list.tools.find((each) => each.name === name),
    'tool',
    see,
  );
  return tool.at('outputSchema').object(`The outputSchema of ${name} is not an object.`, {
    missing: `The tool ${name} has no outputSchema.`,
    ...words,
  });
}

/** The structuredContent of a result conforms to the outputSchema, and the first text has the same object as JSON. */
export function expectStructured(result: Looked, validate: Validate): void {
  const structured = result.at('structuredContent');
  const { valid, errorMessage } = validate(structured.value);
  structured.expect(valid, 'The structuredContent does not conform to the outputSchema of the tool.', {
    like: `(what the outputSchema describes${errorMessage ? `: ${errorMessage.slice(0, 120)}` : ''})`,
    advice: 'Describe in outputSchema exactly what the tool returns. Clients refuse a result that does not conform.',
  });
  const [block = {}] = contentOf(result);
  look(block, 'content', '').expect(
    block.type === 'text' && isDeepStrictEqual(fromJson(String(block.text)), structured.value),
    'The first block of content is not the same object as JSON in a text.',
    {
      like: `{"type":"text","text":${asJson(JSON.stringify(structured.value))}}`,
      advice:
        'Begin content with a block of the type text whose text is JSON.stringify of the structuredContent. Older clients read only content.',
    },
  );
}

/** The content of a tool's result. */
export function contentOf(result: Looked): Message[] {
  const like = '[{"type":"text","text":"…"}]';
  const cause = 'The content of the result is not an array of objects.';
  const advice =
    'Make content an array of objects, also when there is only one text: a result can hold several texts and images.';
  const content = result.at('content');
  const parts = content.array(cause, { missing: 'The result has no content.', like, advice });
  content.expect(parts.every(isObject), cause, { like: `"content":${like}`, advice });
  return parts as Message[];
}

/** The first text in the content of a tool's result. */
export const firstText = (result: Looked): string =>
  String(contentOf(result).find(({ type }) => type === 'text')?.text);

/** The result does not say that the tool has failed. */
export function expectNoFailure(result: Looked, { what }: Posted, like = '(no "isError":true)'): void {
  const { value: isError } = result.at('isError');
  result.expect(
    isError === undefined || isError === false,
    `${what} was answered with isError: true, although the tool has not failed.`,
    {
      like,
      advice:
        'Read the text of this result: it says what went wrong when the server ran the tool, or when it checked what the tool returned.',
    },
  );
}

/** The result of a tool is this one text, and no failure; `why` says more of an answer that is not a result. */
export function expectText(posted: Posted, text: string, advice: string, why?: Why): void {
  const result = objectIn(posted, why);
  const parts = contentOf(result);
  const content = result.at('content');
  const like = `"content":[{"type":"text","text":${asJson(text)}}]`;
  expectNoFailure(result, posted, like);
  content.expect(parts.length === 1, `The content of the result has ${parts.length} parts.`, { like, advice });
  content.expect(parts[0]!.type === 'text', 'The content of the result does not have the type text.', { like, advice });
  content.expect(parts[0]!.text === text, 'The text of the result is wrong.', { like, advice });
}

/** The text of a result that is a failure of a tool: it says what is wrong. */
export function failureText(
  result: Looked,
  advice = 'Put a text that says what is wrong into content: a model reads it and can try again.',
): string {
  const text = contentOf(result)
    .map((part) => (part.type === 'text' ? part.text : ''))
    .join('\n');
  result.expect(/\S/.test(text), 'The result has isError: true, but no text that says what is wrong.', {
    like: '"content":[{"type":"text","text":"…"}]',
    advice,
  });
  return text;
}

const onlyErrorsHaveMessages =
  'Take the text from reasonOf(error), which is in the starter. A tool can throw any value, but only an Error has a message.';

const checksWhatCameBack =
  'Check what the tool has returned, inside of try: JSON.stringify, then JSON.parse, then toolResult.parse. They throw if it is not a result, and catch answers.';

/** What a tool returned that is no result must not become the result of the call: JSON makes null of it, or nothing. */
function expectObjectOrError(posted: Posted, how: string): void {
  if (posted.status !== 200) return;
  const message = posted.messages().find(({ method }) => method === undefined);
  if (message === undefined || 'error' in message || isObject(message.result)) return;
  throw new Failure({
    cause:
      'result' in message
        ? `The tool ${how}, and your server sent this as the result of the call.`
        : `The tool ${how}, and your server sent a response without a result.`,
    compare: {
      expected: '"result":{"content":[{"type":"text","text":"…"}],"isError":true}',
      received: asJson(message),
    },
    advice: checksWhatCameBack,
    see: posted.see,
  });
}

/**
 * The tool has failed: a result with isError and a text.
 * @param how it failed, as explanations say it: `threw an error`
 * @param reason is the whole text; undefined where any text will do
 */
export function expectToolFailure(posted: Posted, how: string, reason?: string): void {
  const like = reason === undefined ? '"…"' : asJson(reason);
  const threwNoError = /^threw (?!an error)/.test(how);
  expectObjectOrError(posted, how);
  const result = objectIn(posted, {
    cause:
      posted.status === 200
        ? `The tool ${how}, but your server answered with an error of JSON-RPC instead of a result.`
        : `The tool ${how}, and your server answered the call with status ${posted.status}.`,
    advice:
      posted.status !== 200 && threwNoError
        ? `${onlyErrorsHaveMessages} Otherwise catch itself throws, and the answer has status 500.`
        : 'Answer with status 200 and a result that has isError: true. A model reads results; it never sees errors of JSON-RPC or of HTTP.',
  });
  result
    .at('isError')
    .is(
      true,
      `The tool ${how}, but its result does not have isError: true.`,
      how.startsWith('returned')
        ? checksWhatCameBack
        : 'Set isError to true: without it, the model takes the text for what the tool has found.',
    );
  const text = failureText(result, threwNoError ? onlyErrorsHaveMessages : undefined);
  if (reason === undefined) return;
  const shown = look(text, 'text', posted.see);
  const words = {
    like: `"text":${like}`,
    advice:
      'Send exactly the message of the error, or the string that the tool has thrown: it tells the model what went wrong.',
  };
  const [beforeStack = '', ...stack] = text.split(/\n\s+at /);
  look(`${beforeStack}\n    at …`, 'text', posted.see).expect(
    stack.length === 0,
    'The text of the failure has the whole stack of the error in it.',
    {
      ...words,
      advice: 'Send error.message, which is the sentence: error.stack also shows the names of your files.',
    },
  );
  shown.expect(
    text.includes(reason.split('\n')[0]!),
    'The text of the failure does not say why the tool failed.',
    words,
  );
  shown.expect(text.includes(reason), 'The text of the failure has only a part of the message.', words);
  shown.expect(text === reason, 'The text of the failure has more than the message in it.', words);
}

/** Waits for the answer to a message for which no tool must run; `ran` says why it is wrong that one does. */
export async function doneWithoutTool(posted: Posted, ran: Explanation): Promise<Posted> {
  expect(!(await posted.atWork()), {
    ...ran,
    ...(finished(posted) && {
      cause: `${posted.what} was refused, but your server also ran the tool: it called work.`,
      advice: 'Return after refuse: refuse writes the answer, but it cannot leave your function for you.',
    }),
    see: posted.see,
  });
  return posted.done();
}
