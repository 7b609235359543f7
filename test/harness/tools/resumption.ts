// The tool that the grader of the lesson on resumption brings along: it logs each step when its work is done.
import { z } from 'zod';
import type { Tool } from '#support/tools.ts';
import { work } from '#support/work.ts';

const input = z.object({
  steps: z.array(z.string()),
  /** Whether each step is work. */
  works: z.boolean().default(true),
  /** Closes the connection after each of these numbers of steps. */
  closesAfter: z.array(z.number()).default([]),
});

const report: Tool<typeof input> = {
  name: 'report',
  description: 'Does these steps, and logs each of them when it is done',
  input,
  async run({ steps, works, closesAfter }, context) {
    for (const [i, step] of steps.entries()) {
      if (closesAfter.includes(i)) context.closeConnection?.();
      if (works) await work(step);
      context.log('info', step, 'report');
    }
    return { content: [{ type: 'text', text: `Done: ${steps.length} steps` }] };
  },
};

export const tools: Tool[] = [report];
