// The tool that the grader of lesson 17 brings along. Once it has been called, a list of the tools cannot be made.
import { z } from 'zod';
import type { Tool } from '#support/tools.ts';

const breakInput = z.object({ reason: z.string() });

let reason: string | undefined;

const breakTheList: Tool<typeof breakInput> = {
  name: 'break_the_list',
  get description() {
    // A library that is not there, a schema that cannot be made: a handler throws what nobody has foreseen.
    if (reason !== undefined) throw new Error(reason);
    return 'From then on, nobody can read this description';
  },
  input: breakInput,
  async run(args) {
    ({ reason } = args);
    return { content: [{ type: 'text', text: 'done' }] };
  },
};

export const tools = [breakTheList];
