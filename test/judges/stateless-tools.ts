// The tools that the conformance suite asks a stateless server for, beside those of fixture-tools.ts.
import { z } from 'zod';
import type { Tool } from '#support/tools.ts';

const none = z.object({});
const done = { content: [{ type: 'text', text: 'done' }] };

const needsSampling: Tool = {
  name: 'test_missing_capability',
  description: 'Needs a client that has the capability sampling',
  input: none,
  requires: { sampling: {} },
  run: async () => done,
};

const reports: Tool = {
  name: 'test_streaming_elicitation',
  description: 'Reports its progress, and asks the client for nothing',
  input: none,
  async run(_args, context) {
    context.progress?.(1, 2);
    return done;
  },
};

const logs: Tool = {
  name: 'test_logging_tool',
  description: 'Logs a message at the most severe level',
  input: none,
  async run(_args, context) {
    context.log('emergency', 'nothing works');
    return done;
  },
};

const changesTools: Tool = {
  name: 'test_trigger_tool_change',
  description: 'Has the archive switched, as the person who looks after it does',
  input: none,
  async run() {
    await fetch(`http://127.0.0.1:${process.env.PORT}/archive`, { method: 'POST' });
    return done;
  },
};

export const tools: Tool[] = [needsSampling, reports, logs, changesTools];
