// Tools that the grader of lesson 13 brings along: they report their progress as they are told to, often, or too late.
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Tool, ToolResult } from '#support/tools.ts';
import { work } from '#support/work.ts';

const done: ToolResult = { content: [{ type: 'text', text: 'done' }] };

const report = z.object({ progress: z.number(), total: z.number().optional(), message: z.string().optional() });
const reportInput = z.object({ reports: z.array(report) });

const reportEach: Tool<typeof reportInput> = {
  name: 'report_each',
  description: 'Makes these reports, and works after each',
  input: reportInput,
  async run({ reports }, context) {
    for (const [i, { progress, total, message }] of reports.entries()) {
      context.progress?.(progress, total, message);
      await work(`report ${i + 1}`);
    }
    return done;
  },
};

const reportInARow: Tool<typeof reportInput> = {
  name: 'report_in_a_row',
  description: 'Makes these reports without a pause, then works',
  input: reportInput,
  async run({ reports }, context) {
    for (const { progress, total, message } of reports) context.progress?.(progress, total, message);
    await work('what comes after the reports');
    return done;
  },
};

const timetableInput = z.object({ reports: z.array(report.extend({ after: z.number() })) });

/** Its timers are in the program itself, so however busy the machine is, they fire in the order in which they are due. */
const reportByTimetable: Tool<typeof timetableInput> = {
  name: 'report_by_timetable',
  description:
    'Makes these reports, each so many milliseconds after the one before, and returns the times of all reports',
  input: timetableInput,
  async run({ reports }, context) {
    const times: number[] = [];
    for (const { after, progress, total, message } of reports) {
      if (after > 0) await sleep(after);
      times.push(performance.now());
      context.progress?.(progress, total, message);
    }
    return { content: [{ type: 'text', text: JSON.stringify(times) }] };
  },
};

const floodInput = z.object({ reports: z.number(), name: z.string(), fails: z.boolean().default(false) });

const flood: Tool<typeof floodInput> = {
  name: 'flood',
  description: 'Makes a report, works, makes so many more, works, makes one more, and returns or fails',
  input: floodInput,
  async run({ reports, name, fails }, context) {
    const say = (progress: number) => context.progress?.(progress, reports + 2, `${name} ${progress}`);
    say(0);
    await work('the first part');
    for (let progress = 1; progress <= reports; progress++) {
      say(progress);
      if (progress % 100 === 0) await turn();
    }
    await work('the second part');
    say(reports + 1);
    if (fails) throw new Error('no more paper');
    return done;
  },
};

const reportAllTheTime: Tool = {
  name: 'report_all_the_time',
  description: 'Reports in each turn of the event loop, until its work is done',
  input: z.object({}),
  async run(_args, context) {
    let over = false;
    void work('what takes long').then(() => (over = true));
    for (let progress = 1; !over; progress++) {
      context.progress?.(progress);
      await turn();
    }
    return done;
  },
};

const forgetToWait: Tool = {
  name: 'forget_to_wait',
  description: 'Makes a report, and returns, while a part of it that nobody waits for continues to report',
  input: z.object({}),
  async run(_args, context) {
    context.progress?.(1, 1000, 'in time');
    void (async () => {
      for (let progress = 2; progress <= 200; progress++) {
        // Some of them come between the response and the next turn of the event loop.
        await (progress < 150 ? undefined : turn());
        context.progress?.(progress, 1000, 'too late');
      }
      await work('what nobody waits for');
      context.progress?.(999, 1000, 'much too late');
    })();
    return done;
  },
};

export const tools = [reportEach, reportInARow, reportByTimetable, flood, reportAllTheTime, forgetToWait];
