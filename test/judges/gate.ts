// A gate that a test opens with a file: what waits behind it shows that what came before it did not wait.
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Tool } from '#support/tools.ts';

export async function opened(file: string): Promise<void> {
  while (!existsSync(file)) await sleep(20);
}

const waitInput = z.object({ file: z.string() });

const waitForFile: Tool<typeof waitInput> = {
  name: 'wait_for_file',
  description: 'Logs that it waits, and waits until a file is there',
  input: waitInput,
  async run({ file }, context) {
    context.log('info', 'waiting');
    console.log('printed by a tool');
    await opened(file);
    return { content: [{ type: 'text', text: 'opened' }] };
  },
};

export const tools = [waitForFile];
