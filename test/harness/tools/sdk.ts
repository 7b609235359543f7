// Tools that the grader of lesson 24 brings along: they say what they are told to, while they work, or too late.
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import type { Tool, ToolResult } from '#support/tools.ts';
import { work } from '#support/work.ts';

const log = z.object({ level: z.string(), data: z.unknown(), logger: z.string().optional() });
const report = z.object({ progress: z.number(), total: z.number().optional(), message: z.string().optional() });
const sayInput = z.object({ steps: z.array(z.object({ log, report: report.optional() })), text: z.string() });

const say: Tool<typeof sayInput> = {
  name: 'say',
  description: 'Logs and reports what it is told to, works after each step, and says this text',
  input: sayInput,
  async run({ steps, text }, { log, progress, signal }) {
    for (const [i, step] of steps.entries()) {
      log(step.log.level, step.log.data, step.log.logger);
      if (step.report) progress?.(step.report.progress, step.report.total, step.report.message);
      await work(`step ${i + 1} of ${text}`, { ...(signal && { signal }) });
    }
    return { content: [{ type: 'text', text }] };
  },
};

const addInput = z.object({ a: z.number(), b: z.number().default(1) });

const add: Tool<typeof addInput> = {
  name: 'add',
  description: 'Adds 1 to a number, or another number',
  input: addInput,
  run: async ({ a, b }) => ({ content: [{ type: 'text', text: String(a + b) }] }),
};

const failInput = z.object({ reason: z.string() });

const fail: Tool<typeof failInput> = {
  name: 'fail',
  description: 'Works, and throws an error with this reason',
  input: failInput,
  async run({ reason }) {
    await work('what will fail');
    throw new Error(reason);
  },
};

const giveBackInput = z.object({ result: z.record(z.string(), z.unknown()) });

const giveBack: Tool<typeof giveBackInput> = {
  name: 'give_back',
  description: 'Returns the result that it is told to',
  input: giveBackInput,
  run: async ({ result }) => result as ToolResult,
};

const talkAfterwards: Tool = {
  name: 'talk_afterwards',
  description: 'Returns, while a part of it that nobody waits for continues to log and to report',
  input: z.object({}),
  async run(_args, { log, progress }) {
    log('info', 'in time');
    void (async () => {
      for (let turns = 1; turns <= 20; turns++) {
        await turn();
        log('error', 'too late');
        progress?.(turns, 20, 'too late');
      }
    })();
    return { content: [{ type: 'text', text: 'done' }] };
  },
};

export const tools: Tool[] = [say as Tool, add as Tool, fail as Tool, giveBack as Tool, talkAfterwards];
