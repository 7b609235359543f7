// The work that the transports are compared by.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Tool } from '#support/tools.ts';

const input = z.object({ messages: z.number(), pause: z.number() });

/** Logs before each pause, in milliseconds. Without messages, it returns immediately. */
const job: Tool<typeof input> = {
  name: 'job',
  description: 'Logs a message and pauses, several times over',
  input,
  async run({ messages, pause }, context) {
    for (let i = 1; i <= messages; i++) {
      context.log('info', `message ${i}`, 'job');
      await sleep(pause);
    }
    return { content: [{ type: 'text', text: 'done' }] };
  },
};

export const tools = [job];
