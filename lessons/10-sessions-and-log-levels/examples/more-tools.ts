// Two tools to try your server with: one speaks at every level, one goes on talking when it has returned.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Tool } from '#support/tools.ts';

const everyLevel: Tool = {
  name: 'every_level',
  description: 'Says something at each of the eight levels',
  input: z.object({}),
  async run(_args, context) {
    for (const level of ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']) {
      context.log(level, `this is ${level}`, 'every_level');
    }
    return { content: [{ type: 'text', text: 'said' }] };
  },
};

const lateTalker: Tool = {
  name: 'late_talker',
  description: 'Returns, and says something half a second later',
  input: z.object({}),
  async run(_args, context) {
    void sleep(500).then(() => context.log('error', 'too late', 'late_talker'));
    return { content: [{ type: 'text', text: 'returned' }] };
  },
};

export const tools = [everyLevel, lateTalker];
