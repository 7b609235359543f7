// Tools that the graders of lessons 9 and 10 bring along: they log what they are told to, fail, or log something too late.
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import type { Tool, ToolResult } from '#support/tools.ts';
import { work } from '#support/work.ts';

const done: ToolResult = { content: [{ type: 'text', text: 'done' }] };

const message = z.object({ level: z.string(), data: z.unknown(), logger: z.string().optional() });
const sayInput = z.object({ messages: z.array(message) });

const say: Tool<typeof sayInput> = {
  name: 'say',
  description: 'Logs these messages, in this order',
  input: sayInput,
  async run({ messages }, context) {
    for (const { level, data, logger } of messages) context.log(level, data, logger);
    return done;
  },
};

const changeInput = z.object({ before: z.string(), after: z.string(), long: z.number().optional() });

const changeAfterwards: Tool<typeof changeInput> = {
  name: 'change_afterwards',
  description:
    'Logs an object, perhaps behind two strings that are this long, and changes it after that: immediately, and once more after some work',
  input: changeInput,
  async run({ before, after, long }, context) {
    if (long !== undefined) for (const letter of 'xy') context.log('notice', letter.repeat(long));
    const state = { step: before, seen: [before] };
    context.log('notice', state);
    state.step = after;
    state.seen.push(after);
    await work('what comes after the change');
    state.step = `${after} again`;
    return done;
  },
};

/** What a tool can throw that is no error. */
const thrown: Record<string, unknown> = {
  null: null,
  undefined: undefined,
  string: 'only a string',
  object: { reason: 'an object' },
};
const failInput = z.object({ reason: z.string(), throws: z.string().optional() });

const failMidway: Tool<typeof failInput> = {
  name: 'fail_midway',
  description: 'Logs the reason, works, and throws it, or another value',
  input: failInput,
  async run({ reason, throws }, context) {
    context.log('warning', reason);
    await work('what will fail');
    throw throws === undefined ? new Error(reason) : thrown[throws];
  },
};

const failEarlyInput = z.object({ reason: z.string() });

const failEarly: Tool<typeof failEarlyInput> = {
  name: 'fail_early',
  description: 'Throws the reason before it has returned a promise',
  input: failEarlyInput,
  run({ reason }) {
    throw new Error(reason);
  },
};

const circular: Record<string, unknown> = {};
circular.self = circular;

/** What a tool can return that no response can hold. */
const returned: Record<string, unknown> = {
  nothing: undefined,
  null: null,
  'a BigInt': { content: [{ type: 'text', text: 1n }] },
  'a circular object': { content: [{ type: 'text', text: 'done', circular }] },
  'a function': () => done,
};
const returnInput = z.object({ what: z.string() });

const returnOdd: Tool<typeof returnInput> = {
  name: 'return_odd',
  description: 'Returns something that no response can hold',
  input: returnInput,
  async run({ what }, context) {
    context.log('warning', what);
    return returned[what] as ToolResult;
  },
};

const forgetInput = z.object({ mebibytes: z.number().default(0), fails: z.boolean().default(false) });

const forgetToWait: Tool<typeof forgetInput> = {
  name: 'forget_to_wait',
  description:
    'Logs this many mebibytes, and returns or fails, while a part of it that nobody waits for continues to log',
  input: forgetInput,
  async run({ mebibytes, fails }, context) {
    if (mebibytes > 0) {
      context.log('warning', `${mebibytes} mebibytes follow`);
      await work('what comes before much data');
    }
    for (let sent = 0; sent < mebibytes * 16; sent++) context.log('warning', 'x'.repeat(1024 ** 2 / 16));
    void (async () => {
      for (let step = 1; step <= 100; step++) {
        await undefined;
        context.log('error', `too late, step ${step}`);
      }
      for (let turns = 1; turns <= 20; turns++) {
        await turn();
        context.log('error', `too late, turn ${turns} of the event loop`);
      }
      await work('what nobody waits for');
      context.log('error', 'much too late');
    })();
    if (fails) throw new Error('one part has failed');
    return done;
  },
};

export const tools = [say, changeAfterwards, failMidway, failEarly, returnOdd, forgetToWait];
