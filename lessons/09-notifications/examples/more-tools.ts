// A tool to try your server with: it continues to log after it has returned.
import { z } from 'zod';
import type { Context, Tool } from '#support/tools.ts';

const lateTalker: Tool = {
  name: 'late_talker',
  description: 'Returns, although a part of it that it does not await continues to log',
  input: z.object({}),
  async run(_args, context) {
    void countTo(100, context); // An await is missing here.
    return { content: [{ type: 'text', text: 'returned' }] };
  },
};

async function countTo(last: number, context: Context): Promise<void> {
  for (let step = 1; step <= last; step++) {
    await null; // Gives other code a turn.
    context.log('info', `step ${step}`, 'late_talker');
  }
}

export const tools = [lateTalker];
