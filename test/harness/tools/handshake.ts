// Tools that the grader of lesson 8 brings along; the words in them are drawn by the grader.
import { z } from 'zod';
import type { Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

const [name = '', text = ''] = (process.env.TOOL_WORDS ?? '').split(' ');

const repeatInput = z.object({ text: z.string(), times: z.int(), loud: z.boolean().optional() });

const repeat: Tool<typeof repeatInput> = {
  name: `repeat_${name}`,
  description: `Says a ${text} several times`,
  input: repeatInput,
  async run(args, context) {
    // Tells the grader that it runs.
    await work(`repeat_${name}`);
    context.log('info', `repeating ${args.text}`);
    const said = args.loud ? args.text.toUpperCase() : args.text;
    const image = { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' };
    return { content: [...Array(args.times).fill({ type: 'text', text: said }), image] };
  },
};

const nothing: Tool = {
  name: `nothing.${name}`,
  description: `Asks for nothing, and says ${text} and what it was given`,
  input: z.object({}),
  run: async (args) => ({ content: [{ type: 'text', text: `${text} ${JSON.stringify(args)}` }] }),
};

/** What a tool may return beside its content. */
const complaint = {
  content: [{ type: 'text', text, annotations: { audience: ['user'] } }],
  isError: true,
  structuredContent: { [text]: [null, 0.5, false, ''] },
  _meta: { 'grader/word': text },
};

const complain: Tool = {
  name: `complain-${name}`,
  description: `Returns a result that is an error, and says ${text}`,
  input: z.object({}),
  run: async () => complaint,
};

const echoInput = z.looseObject({ greeting: z.string().default(text) });

const echo: Tool<typeof echoInput> = {
  name: `echo_${name}`,
  description: `Says what it was given, and ${text} for a greeting`,
  input: echoInput,
  run: async (args) => ({ content: [{ type: 'text', text: JSON.stringify(args) }] }),
};

/** What a client sends differs from what the tool gets: a string becomes a boolean, a missing unit and its missing name appear. */
const convertInput = z.object({
  exact: z.stringbool().default(false),
  unit: z.object({ name: z.string().default(text) }).prefault({}),
  note: z.string().optional(),
});

const convert: Tool<typeof convertInput> = {
  name: `convert_${name}`,
  description: `Says what its input has made of the arguments, such as the unit ${text}`,
  input: convertInput,
  run: async (args) => ({ content: [{ type: 'text', text: JSON.stringify(args) }] }),
};

const circle: Record<string, unknown> = { content: [{ type: 'text', text }] };
circle.self = circle;

/** Each way in which a tool can end that few expect: most of them are neither a result nor an error. */
const endings: Record<string, () => unknown> = {
  'throws immediately': () => {
    throw new Error(`no ${text}, immediately`);
  },
  'throws two lines': async () => {
    throw new TypeError(`no "${text}" é世🎈:\n  look at line 2\n`, { cause: new Error('of line 1') });
  },
  'throws a string': async () => {
    throw `no ${text}, in a string`;
  },
  'throws null': async () => {
    throw null;
  },
  'throws undefined': async () => {
    throw undefined;
  },
  'throws an object': async () => {
    throw Object.assign(Object.create(null), { reason: text });
  },
  'throws a symbol': async () => {
    throw Symbol(text);
  },
  'returns nothing': async () => undefined,
  'returns null': async () => null,
  'returns a string': async () => text,
  'returns a function': async () => () => text,
  'returns an empty object': async () => ({}),
  'returns a content that is a string': async () => ({ content: text }),
  'returns an empty content': async () => ({ content: [] }),
  'returns a BigInt': async () => ({ content: [], structuredContent: { size: 2n ** 64n } }),
  'returns a circular object': async () => circle,
  'returns an object whose toJSON throws': async () => ({
    content: [],
    _meta: {
      toJSON() {
        throw new Error(`no JSON of ${text}`);
      },
    },
  }),
};

/** Takes no other argument. */
const misbehaveInput = z.strictObject({ how: z.string() });

const misbehave: Tool<typeof misbehaveInput> = {
  name: `misbehave.${name}`,
  description: `Ends in a way that nobody expects of a tool, and says ${text}`,
  input: misbehaveInput,
  // Not async: what it throws immediately is thrown by this call.
  run: ({ how }) => endings[how]!() as ReturnType<Tool['run']>,
};

const fail: Tool = {
  name: `fail_${name}`,
  description: `Throws an error in the middle of its work, and says ${text}`,
  input: z.object({}),
  async run() {
    await work('what will fail');
    throw new Error(`no ${text} today (this tool fails whenever it is called)`);
  },
};

export const tools: Tool[] = [repeat, nothing, complain, echo, convert, misbehave, fail];
