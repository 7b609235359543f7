// A tool to try your server with: it continues to talk after it has returned.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Tool } from '#support/tools.ts';

const lateTalker: Tool = {
  name: 'late_talker',
  description: 'Returns, and logs a message half a second later',
  input: z.object({}),
  async run(_args, context) {
    void sleep(500).then(() => context.log('error', 'too late', 'late_talker'));
    return { content: [{ type: 'text', text: 'returned' }] };
  },
};

export const tools = [lateTalker];
