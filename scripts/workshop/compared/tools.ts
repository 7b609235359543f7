// The work that the servers are compared by.
import { z } from 'zod';
import type { Tool } from '#support/tools.ts';

const input = z.object({ to: z.number() });

export const count: Tool<typeof input> = {
  name: 'count',
  description: 'Logs each number',
  input,
  async run({ to }, context) {
    for (let number = 1; number <= to; number++) await context.log('info', `number ${number}`, 'count');
    return { content: [{ type: 'text', text: `counted to ${to}` }] };
  },
};

export const tools = [count];
