// The workshop as an MCP server on standard input and output, for the AI assistant of a learner. No tool shows a solution.
import { Console } from 'node:console';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { McpServer, type CallToolResult, type ServerContext } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';
import { catalog, type Lesson } from '../../lessons/catalog.ts';
import { root } from '../../test/harness/folders.js';
import { endAllPrograms } from '../../test/harness/programs/pool.js';
import type { Following } from '../../test/harness/run/runner.ts';
import type { Verdict } from '../../test/harness/run/verdict.ts';
import { Refusal } from './command.ts';
import { grade, learnersTarget } from './grade.ts';
import { currentLesson, findHint, findTask, questionsOf } from './hint.ts';
import { leaveWith, onInterrupt } from './interrupt.ts';
import { findLesson, readLessonText, requireFiles } from './lessons.ts';
import { readPage, taskText } from './page.ts';
import { fingerprint, nextLesson, readProgress, recordVerdict } from './progress.ts';
import { report } from './report.ts';
import { courseText, readCourse } from './show-progress.ts';

/** Serves one assistant, until it closes the server's input. */
export async function tutor(): Promise<number> {
  // Standard output belongs to the protocol: a line of anything else would break it.
  globalThis.console = new Console(process.stderr, process.stderr);
  if (process.stdin.isTTY) {
    console.error('This is an MCP server. An assistant starts it and writes to its standard input; Ctrl+C ends it.');
  }
  onInterrupt(() => leaveWith(0));
  serveStdio(createTutor, { onerror: (error) => console.error(error.message) });
  await Promise.race([once(process.stdin, 'end'), once(process.stdin, 'close')]);
  return leaveWith(0);
}

const instructions = `This is a workshop with graded lessons, and the user is a learner. Help the learner to find the answer; do not write
the code of a task. Call my_verdict, say which requirement is not met and what the wire shows, and ask a question back.
When the learner is stuck, call next_hint without a number and offer its questions. AGENTS.md has the rules in full.`;

function createTutor(): McpServer {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const server = new McpServer({ name: 'chunk-by-chunk', title: 'Chunk by Chunk', version }, { instructions });
  const reads = { readOnlyHint: true, openWorldHint: false };

  server.registerTool(
    'where_am_i',
    {
      title: 'Progress of the learner',
      description:
        'Lists every lesson and task of the workshop, which of them the learner has passed, and what is next.',
      outputSchema: courseSchema,
      annotations: reads,
    },
    () => {
      const course = readCourse();
      return { ...text(courseText(course)), structuredContent: course };
    },
  );

  server.registerTool(
    'my_verdict',
    {
      title: 'Grade a lesson now',
      description:
        "Runs the learner's programs of one lesson and grades them, which takes seconds. The verdict names the first task that fails, the requirement that is not met, the cause, and what went over the wire until then. A passed task is recorded. Call it after each change, and before you explain a failure.",
      inputSchema: z.object({
        lesson: lessonName,
        seed: z.int().min(0).optional().describe('Repeats an earlier run: the seed of its verdict.'),
      }),
      outputSchema: verdictSchema,
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    },
    async ({ lesson: name, seed }, context) => {
      const lesson = name === undefined ? nextLesson(readProgress()) : findLesson(name);
      if (!lesson) throw new Refusal('Every lesson is passed. Name a lesson to grade it again, for example lesson-1.');
      const following = { signal: context.mcpReq.signal, onRequirement: progressOf(lesson, context) };
      const verdict = await oneAtATime(() => gradeNow(lesson, seed, following));
      const next = catalog.find(({ number }) => number === lesson.number + 1);
      return { ...text(report(lesson, verdict, next)), structuredContent: verdict };
    },
  );

  server.registerTool(
    'lesson_text',
    {
      title: 'Read a lesson',
      description:
        'Returns the README of a lesson as Markdown: the idea, the tasks, and the requirements as bullets under each task. With a task, returns the text of that task only.',
      inputSchema: z.object({
        lesson: lessonName,
        task: taskNumber('The task to read; without it, the whole lesson.'),
      }),
      annotations: reads,
    },
    ({ lesson: name, task }) => {
      const lesson = lessonOr(name);
      const markdown = readLessonText(lesson, 'README.md');
      return text(task === undefined ? markdown : taskText(markdown, findTask(lesson, String(task)).number)!);
    },
  );

  server.registerTool(
    'next_hint',
    {
      title: 'A hint',
      description:
        'Without a number, lists the questions that learners ask about the first task that is not passed: offer them, and let the learner choose. With the number of a question, returns the answer to that question.',
      inputSchema: z.object({
        lesson: lessonName,
        task: taskNumber('Another task than the first that is not passed.'),
        number: z.int().min(1).optional().describe('The number of a question in the list.'),
      }),
      annotations: reads,
    },
    ({ lesson: name, task, number }) => {
      const questions = questionsOf(lessonOr(name), task?.toString());
      if (number === undefined) return text(listOf(questions));
      const { question, answer } = findHint(questions, String(number));
      return text(`${question}\n\n${answer}`);
    },
  );

  return server;
}

const lessonName = z.coerce
  .string()
  .optional()
  .describe('A lesson by its number or name: "3", "lesson-3". Without it, the first lesson that is not passed.');

const taskNumber = (description: string) => z.int().min(1).optional().describe(description);

const state = z.enum(['passed', 'failed', 'waiting']);

const verdictSchema = z.looseObject({
  lesson: z.string(),
  state,
  seed: z.number().describe('Repeats this run with the same inputs.'),
  tasks: z.array(
    z.looseObject({
      number: z.number(),
      title: z.string(),
      state,
      requirements: z.array(
        z.looseObject({ sentence: z.string(), state, explanation: z.looseObject({ cause: z.string() }).optional() }),
      ),
    }),
  ),
});

const courseSchema = z.object({
  lessons: z.array(
    z.looseObject({
      number: z.number(),
      slug: z.string(),
      title: z.string(),
      state: z.enum(['not begun', 'begun', 'passed', 'changed since it passed', 'has the solution']),
      tasks: z.array(z.object({ number: z.number(), title: z.string(), passed: z.boolean() })),
    }),
  ),
  tracks: z.array(z.object({ title: z.string(), goal: z.string(), lessons: z.array(z.number()), minutes: z.number() })),
  next: z.string().nullable().describe('The slug of the first lesson that is not passed.'),
});

const lessonOr = (name: string | undefined): Lesson => (name === undefined ? currentLesson() : findLesson(name));

const text = (text: string): CallToolResult => ({
  content: [{ type: 'text', text: stripVTControlCharacters(text) }],
});

function listOf({ lesson, task, hints }: ReturnType<typeof questionsOf>): string {
  return [
    `Questions about task ${task.number} of lesson ${lesson.number}, "${task.title}":`,
    '',
    ...hints.map(({ question }, i) => `${i + 1}. ${question}`),
    '',
    'Let the learner choose. Call next_hint with the number of a question to get its answer.',
  ].join('\n');
}

/** @throws Refusal when the learner can put it right, Error when the grader fails, or the signal's reason. */
async function gradeNow(lesson: Lesson, seed: number | undefined, following: Following): Promise<Verdict> {
  following.signal?.throwIfAborted();
  requireFiles(lesson);
  readProgress(); // a broken file is said before the work, not after it
  const graded = fingerprint(lesson);
  try {
    const verdict = await grade({ ...learnersTarget(lesson), ...(seed !== undefined && { seed }) }, following);
    if (fingerprint(lesson) !== graded)
      throw new Refusal('A file was saved while it was graded. Grade the lesson again.');
    recordVerdict(lesson, verdict);
    return verdict;
  } finally {
    endAllPrograms();
  }
}

let last: Promise<unknown> = Promise.resolve();

/** A grader has the programs of this process to itself, so that a second call waits for the first. */
function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
  const result = last.then(work);
  last = result.catch(() => {});
  return result;
}

/** Tells a client that has asked for it how many requirements have been graded. */
function progressOf(lesson: Lesson, { mcpReq }: ServerContext): Following['onRequirement'] {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  const total = readPage(lesson).tasks.flatMap(({ requirements }) => requirements).length;
  let progress = 0;
  return (_task, _index, { sentence, state }) => {
    if (state === 'waiting') return; // it has not been graded
    const params = { progressToken, progress: ++progress, total, message: `${state}: ${sentence}` };
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {}); // nobody listens any more
  };
}
