// A tool to try your server with: it logs a message at every level.
import { z } from 'zod';
import type { Tool } from '#support/tools.ts';

const everyLevel: Tool = {
  name: 'every_level',
  description: 'Logs a message at each of the eight levels',
  input: z.object({}),
  async run(_args, context) {
    for (const level of ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']) {
      context.log(level, `this is ${level}`, 'every_level');
    }
    return { content: [{ type: 'text', text: 'done' }] };
  },
};

export const tools = [everyLevel];
