// The MCP server of `npm run tutor`, as an assistant meets it: with the official clients of both generations, and as bytes.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { Client as SecondClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as SecondTransport } from '@modelcontextprotocol/client/stdio';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as FirstTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { learnersCopy, learnersEnv, startIn, type Copy } from '../../scripts/workshop/copy.ts';
import { learnerFiles } from '../../scripts/workshop/lessons.ts';
import { readHints, readPage } from '../../scripts/workshop/page.ts';
import { root } from '../harness/folders.js';
import { writeOwnWork } from './own-work.ts';
import { processesWith } from './processes.ts';
import { patient } from './waiting.ts';

type Answer = { isError?: boolean; structuredContent?: any; text: string };

/** What the tests need of a client. */
type Assistant = {
  tools(): Promise<any[]>;
  call(
    name: string,
    args?: object,
    following?: { onprogress?(progress: any): void; signal?: AbortSignal },
  ): Promise<Answer>;
  close(): Promise<void>;
};

let copy: Copy;
beforeEach(() => {
  copy = learnersCopy();
});
afterEach(() => copy.remove());

/** How an editor starts the server, by the file that is written for it. */
function command(): { command: string; args: string[]; cwd: string; env: Record<string, string> } {
  const { servers } = JSON.parse(readFileSync(join(root, '.vscode', 'mcp.json'), 'utf8'));
  const { command, args } = servers['chunk-by-chunk'];
  expect(command).toBe('node');
  return {
    command: process.execPath,
    args: args.map((arg: string) => arg.replace('${workspaceFolder}', copy.folder)),
    cwd: copy.folder,
    env: { ...(learnersEnv() as Record<string, string>), FORCE_COLOR: '1' },
  };
}

const answerOf = (result: any): Answer => ({
  ...result,
  text: result.content.map(({ text }: { text: string }) => text).join('\n'),
});

async function first(): Promise<Assistant> {
  const client = new FirstClient({ name: 'test', version: '1.0.0' });
  await client.connect(new FirstTransport(command()));
  return {
    tools: async () => (await client.listTools()).tools,
    call: async (name, args = {}, following) =>
      answerOf(await client.callTool({ name, arguments: { ...args } }, undefined, following)),
    close: () => client.close(),
  };
}

const second = (mode: 'legacy' | 'auto') => async (): Promise<Assistant> => {
  const client = new SecondClient({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(new SecondTransport(command()));
  return {
    tools: async () => (await client.listTools()).tools,
    call: async (name, args = {}, following) =>
      answerOf(await client.callTool({ name, arguments: { ...args } }, following)),
    close: () => client.close(),
  };
};

/** Lines of a solution that stand nowhere in the lesson: neither in its files nor in its text and hints. */
function secretLines(slug: string): string[] {
  const read = (folder: string, file: string) => readFileSync(join(root, folder, slug, file), 'utf8');
  const known = [
    ...learnerFiles.map((file) => copy.read(`lessons/${slug}/${file}`)),
    read('lessons', 'README.md'),
    read('lessons', 'hints.md'),
  ].join('\n');
  return learnerFiles
    .flatMap((file) => read('solutions', file).split('\n'))
    .map((line) => line.trim())
    .filter((line) => line.length > 25 && !line.startsWith('//') && !known.includes(line));
}

describe.each([
  ['the first generation', first],
  ['the second generation', second('legacy')],
  ['the second generation, without a handshake', second('auto')],
])('a client of %s', (_name, connect) => {
  test('finds where the learner is, a verdict, the text and hints, and a pass is recorded', async () => {
    const assistant = await connect();
    onTestFinished(() => assistant.close());

    const before = await assistant.call('where_am_i');
    expect(before.structuredContent).toMatchObject({ next: '01-chunked-stream', lessons: { length: catalog.length } });
    expect(before.text).toContain(`0 of ${catalog.length} lessons passed`);

    const seen: any[] = [];
    const failed = await assistant.call('my_verdict', {}, { onprogress: (progress) => seen.push(progress) });
    expect(failed.isError).toBeFalsy();
    expect(failed.structuredContent).toMatchObject({ lesson: '01-chunked-stream', state: 'failed' });
    expect(failed.structuredContent.tasks[0].requirements[0].explanation.cause).not.toBe('');
    expect(failed.text).toContain('✗ task 1');
    expect(failed.text).not.toContain('\x1b');
    expect(seen).toMatchObject([
      { progress: 1, total: expect.any(Number), message: expect.stringMatching(/^failed: /) },
    ]);

    const questions = await assistant.call('next_hint');
    expect(questions.text).toContain('1. Why do all the messages arrive together?');
    expect((await assistant.call('next_hint', { number: 1 })).text).toContain('calls `response.write` only once');
    expect((await assistant.call('next_hint', { lesson: 2, task: 3 })).text).toContain('task 3 of lesson 2');

    const task = await assistant.call('lesson_text', { task: 2 });
    expect(task.text).toMatch(/^## Task 2 · Keep serving everybody else\n[^]*If a client sends `GET \/ping`/);
    expect(task.text).not.toContain('## Task 3');

    writeOwnWork(copy);
    const passed = await assistant.call('my_verdict', { lesson: 'lesson-1', seed: 7 });
    expect(passed.structuredContent).toMatchObject({ lesson: '01-chunked-stream', state: 'passed', seed: 7 });
    expect(copy.read('.progress')).toContain('01-chunked-stream 3/3');
    const after = await assistant.call('where_am_i');
    expect(after.structuredContent.next).toBe('02-server-sent-events');
    expect(after.structuredContent.lessons[0].state).toBe('passed');
  });
});

describe('the tools', () => {
  let assistant: Assistant;
  beforeEach(async () => {
    assistant = await first();
  });
  afterEach(() => assistant.close());

  test('each says what it does, and whether it changes something', async () => {
    const tools = await assistant.tools();
    expect(tools.map(({ name }) => name)).toEqual(['where_am_i', 'my_verdict', 'lesson_text', 'next_hint']);
    for (const { title, description, inputSchema, annotations } of tools) {
      expect({ title, description }).toEqual({ title: expect.any(String), description: expect.stringMatching(/\.$/) });
      expect(inputSchema.type).toBe('object');
      expect(annotations.openWorldHint).toBe(false);
    }
    expect(tools.filter(({ annotations }) => !annotations.readOnlyHint).map(({ name }) => name)).toEqual([
      'my_verdict',
    ]);
  });

  test('arguments that name nothing are an error that says why', async () => {
    for (const [name, args, sentence] of [
      ['my_verdict', { lesson: '99' }, /^There is no lesson "99"/],
      ['lesson_text', { lesson: 'nine' }, /^There is no lesson "nine"/],
      ['lesson_text', { task: 9 }, /^Lesson 1 has the tasks 1 to 3/],
      ['next_hint', { task: 9 }, /^Lesson 1 has the tasks 1 to 3/],
      ['next_hint', { number: 99 }, /^Task 1 of lesson 1 has the questions 1 to \d+; "99" is not one of them/],
      ['next_hint', { number: 'one' }, /number/],
    ] as const) {
      const { isError, text } = await assistant.call(name, args);
      expect({ isError, text }).toEqual({ isError: true, text: expect.stringMatching(sentence) });
    }
  });

  test('a record of progress that is broken is an error that says what to do', async () => {
    copy.write('.progress', 'nonsense');
    expect(await assistant.call('my_verdict')).toMatchObject({
      isError: true,
      text: expect.stringMatching(/^Line 1 of \.progress is not understood/),
    });
  });

  test('no answer has a line of a solution that the learner cannot read in the lesson', async () => {
    let withSecrets = 0;
    for (const lesson of catalog) {
      const secret = secretLines(lesson.slug);
      if (secret.length > 0) withSecrets++;
      const named = { lesson: lesson.slug };
      const answers = [await assistant.call('lesson_text', named)];
      for (const { number: task } of readPage(lesson).tasks) {
        answers.push(await assistant.call('lesson_text', { ...named, task }));
        answers.push(await assistant.call('next_hint', { ...named, task }));
        const count = readHints(lesson).filter((hint) => hint.task === task).length;
        for (let number = 1; number <= count; number++)
          answers.push(await assistant.call('next_hint', { ...named, task, number }));
      }
      if (lesson.number === 1)
        answers.push(await assistant.call('my_verdict', named), await assistant.call('where_am_i'));
      expect(answers.filter(({ isError }) => isError)).toEqual([]);
      const said = JSON.stringify(answers);
      expect(secret.filter((line) => said.includes(JSON.stringify(line).slice(1, -1)))).toEqual([]);
    }
    // The READMEs of a few lessons show each line of the solution.
    expect(withSecrets).toBeGreaterThan(catalog.length / 2);
  });

  test('a call that is cancelled ends its programs and records nothing; the next one is graded', async () => {
    writeOwnWork(copy);
    const cancel = new AbortController();
    const cancelled = assistant.call('my_verdict', {}, { signal: cancel.signal, onprogress: () => cancel.abort() });
    await expect(cancelled).rejects.toThrow();
    await expect.poll(() => processesWith(copy.folder).filter(isProgram), patient).toEqual([]);
    expect((await assistant.call('where_am_i')).structuredContent.lessons[0].state).toBe('not begun');
    expect((await assistant.call('my_verdict')).structuredContent.state).toBe('passed');
  });
});

/** Whether a process is a learner's program, or what ends such programs, and not the server itself. */
const isProgram = (pid: number) => !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('run.js\0tutor');

describe('as bytes', () => {
  /** Starts the server and writes to it; its lines come as they are. */
  function start() {
    const server = startIn(copy.folder, 'tutor', []);
    onTestFinished(() => void server.kill('SIGKILL'));
    const lines: string[] = [];
    const waiting = new Set<() => void>();
    createInterface({ input: server.stdout }).on('line', (line) => {
      lines.push(line);
      for (const look of waiting) look();
    });
    const send = (message: object) => server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    send({
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1.0.0' } },
    });
    send({ method: 'notifications/initialized' });
    return {
      lines,
      send,
      /** Resolves when a line has come that contains this. */
      line: (part: string) =>
        new Promise<void>((resolve) => {
          const look = () => void (lines.some((line) => line.includes(part)) && resolve());
          waiting.add(look);
          look();
        }),
      /** Ends the server's input, and waits for its end. */
      end: () => new Promise<number | null>((resolve) => server.on('close', resolve) && server.stdin.end()),
    };
  }

  test('there is nothing on standard output but messages, and the end of its input ends the server', async () => {
    const { lines, send, line, end } = start();
    send({ id: 2, method: 'tools/call', params: { name: 'my_verdict', arguments: { lesson: '1' } } });
    await line('"id":2');
    expect(await end()).toBe(0);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { jsonrpc: '2.0', id: 1, result: { instructions: expect.stringContaining('AGENTS.md') } },
      { jsonrpc: '2.0', id: 2, result: { structuredContent: { state: 'failed' } } },
    ]);
    await expect.poll(() => processesWith(copy.folder), patient).toEqual([]);
  });

  test('when its input ends in the middle of a grading, no process is left', async () => {
    await copy.run('solution', 'lesson-1', '--apply');
    const { send, line, end } = start();
    send({ id: 2, method: 'tools/call', params: { name: 'my_verdict', _meta: { progressToken: 'p' } } });
    await line('notifications/progress');
    expect(await end()).toBe(0);
    await expect.poll(() => processesWith(copy.folder), patient).toEqual([]);
  });
});
