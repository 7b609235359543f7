// The server of lesson 24, which uses the official SDK: graded by the lessons in which the same server was written without
// an SDK, and called by the clients of these lessons.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, onTestFinished, test } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { finished } from '../../scripts/workshop/starter.ts';
import { root, solutionsFolder } from '../harness/folders.js';
import { freePort } from '../harness/programs/ports.ts';
import { Failure } from '../harness/run/failure.ts';
import type { Grader } from '../harness/run/grader.ts';
import { openRun } from '../harness/run/run.ts';

const temporary = join(root, '.tmp', `sdk-server-${process.pid}`);
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

const slugOf = (number: number): string => catalog.find((lesson) => lesson.number === number)!.slug;
const sdkServer = join(solutionsFolder, slugOf(24), 'server.ts');

/**
 * Why the server of the SDK does not meet a requirement of a lesson in revision 2025-11-25. `10.2.1` is the first
 * requirement of task 2 of lesson 10. It meets all others that are about the server.
 */
const differences: Record<string, string> = {
  '8.1.4': 'It also serves older revisions, such as 2025-03-26.',
  '8.1.5': 'The code of this error is -32603.',
  '8.3.1': 'It answers with an event stream, as the server from lesson 9 on does.',
  '8.3.8': 'It answers with an error of JSON-RPC.',
  '8.3.9': 'It answers with an error of JSON-RPC.',
  '8.4.1': 'It also serves older revisions, such as 2025-03-26.',
  '9.2.1': 'It stops the tool when a client leaves.',
  '9.2.3': 'It answers with an error of JSON-RPC.',
  '9.2.5': 'It stops the tool when a client leaves.',
  '10.1.1': 'It opens no session.',
  '10.1.2': 'It opens no session.',
  '10.1.3': 'It opens no session.',
  '10.1.4': 'It opens no session.',
  '10.2.1': 'It opens no session.',
  '10.2.2': 'It opens no session.',
  '10.2.3': 'It opens no session.',
  '10.3.1': 'The code of this error is -32603.',
  '10.3.3': 'It has no session that could keep the level.',
  '10.3.4': 'It has no session that could keep the level.',
  '10.3.5': 'Without a session, every call gets the messages of all levels.',
  '13.1.1': 'Its process_files has three documents, and reports other messages.',
  '13.1.2': 'Its process_files has three documents, and reports other messages.',
  '13.1.6': 'Its process_files has three documents, and reports other messages.',
  '13.1.8': 'Its process_files has three documents, and reports other messages.',
  '13.2.1': 'It sends every report.',
  '13.2.2': 'It sends every report.',
  '13.2.3': 'It sends every report.',
  '13.2.4': 'It sends every report.',
  '14.1.1': 'The notification reaches a different McpServer, which does not know the call.',
  '14.1.2': 'The notification reaches a different McpServer, which does not know the call.',
  '14.1.4': 'The notification reaches a different McpServer, which does not know the call.',
  '14.1.5': 'The notification reaches a different McpServer, which does not know the call.',
  '14.1.6': 'It stops the tool when a client leaves.',
  '14.2.1': 'The notification reaches a different McpServer, which does not know the call.',
  '14.2.2': 'The notification reaches a different McpServer, which does not know the call.',
  '14.2.5': 'The notification reaches a different McpServer, which does not know the call.',
};

/** The requirements about the server in this lesson that the server of the SDK does not meet, and what the grader says. */
async function refusals(number: number): Promise<Record<string, string>> {
  const slug = slugOf(number);
  const folder = join(temporary, slug);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'server.ts'), finished(readFileSync(sdkServer, 'utf8')));
  const file = join(root, 'test', 'lessons', `${slug}.test.ts`);
  const { default: grader } = (await import(/* @vite-ignore */ file)) as { default: Grader };
  const run = openRun({ folder, folderName: `lessons/${slug}`, seed: 1 });
  const refused: Record<string, string> = {};
  try {
    run.register(grader);
    for (const { number: task, requirements } of run.tasks) {
      run.beginTask(task);
      for (const [i, requirement] of requirements.entries()) {
        if (requirement.file !== 'server.ts') continue;
        try {
          await run.test(requirement);
        } catch (error) {
          // A requirement that continues where a refused one should have come to has nothing to begin with.
          const cause = error instanceof Failure ? error.explanation.cause : String(error);
          refused[`${number}.${task}.${i + 1}`] = cause ?? '';
        }
      }
    }
  } finally {
    run.close(false);
  }
  return refused;
}

describe('the server of the official SDK', () => {
  test.for([8, 9, 10, 13, 14])(
    'meets the requirements of lesson %i, except those listed',
    async (number, { expect }) => {
      const refused = await refusals(number);
      const listed = Object.keys(differences).filter((name) => name.startsWith(`${number}.`));
      expect(Object.keys(refused), JSON.stringify(refused, undefined, 2)).toEqual(listed);
    },
  );

  test.for([
    [
      12,
      [
        'NOTIFICATION: info Processing file 1/3...',
        'NOTIFICATION: info Processing file 2/3...',
        'NOTIFICATION: info Processing file 3/3...',
      ],
    ],
    [
      13,
      [
        'NOTIFICATION: info Processing file 1/3...',
        'PROGRESS: 0/3 minutes.txt',
        'NOTIFICATION: info Processing file 2/3...',
        'PROGRESS: 1/3 invoice.txt',
        'NOTIFICATION: info Processing file 3/3...',
        'PROGRESS: 2/3 letter.txt',
        'PROGRESS: 3/3 done',
      ],
    ],
    [
      24,
      [
        'NOTIFICATION: info Processing file 1/3...',
        'PROGRESS: 0/3 minutes.txt',
        'NOTIFICATION: info Processing file 2/3...',
        'PROGRESS: 1/3 invoice.txt',
        'NOTIFICATION: info Processing file 3/3...',
        'PROGRESS: 2/3 letter.txt',
        'PROGRESS: 3/3 done',
      ],
    ],
  ] as const)('works with the client of lesson %i, unchanged', async ([number, lines], { expect }) => {
    const port = String(await freePort());
    const start = (file: string, ...args: string[]) => {
      const program = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
        cwd: root,
        env: { ...process.env, PORT: port },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      onTestFinished(() => void program.kill());
      return program;
    };
    await once(start(sdkServer).stdout, 'data');
    const client = start(join(solutionsFolder, slugOf(number), 'client.ts'), `http://127.0.0.1:${port}/mcp`, 'hello');
    const [said, [code]] = await Promise.all([text(client.stdout), once(client, 'exit')]);
    expect(said.trim().split(/\r?\n/)).toEqual([...lines, 'RESULT: Done: hello']);
    expect(code).toBe(0);
  });
});
