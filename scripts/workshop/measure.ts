import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lesson } from '../../lessons/catalog.ts';
import { residentMemory } from '../../test/harness/programs/process.js';
import { Refusal, type Arguments } from './command.ts';
import { learnersCopy, learnersEnv, type Copy } from './copy.ts';
import { findLesson } from './lessons.ts';
import { median } from './median.ts';

const timed = 15;
/** Milliseconds after a verdict in which the next programs are prepared: nobody types faster. */
const pause = 2000;

/** Saves the finished lesson again and again in a copy of the workshop, while a watch is running there. */
export async function measure({ words: [name = '1'], options }: Arguments): Promise<number> {
  const lesson = findLesson(name);
  const runs = Number(options.runs ?? timed);
  if (!Number.isInteger(runs) || runs < timed)
    throw new Refusal(`--runs takes a whole number, ${timed} or more; "${options.runs}" is not one.`);
  const copy = learnersCopy();
  await copy.run('solution', lesson.slug, '--apply');
  const watch = await startWatch(copy, lesson);
  try {
    const saves: number[] = [];
    const checks: number[] = [];
    let tenth: number | undefined;
    for (let run = 1; run <= runs; run++) {
      if (run <= timed) {
        await sleep(pause);
        checks.push(await timeOf(() => copy.run('check', lesson.slug)));
        await sleep(pause);
        saves.push(await timeOf(() => watch.save(run)));
      } else {
        await watch.save(run);
      }
      if (run === 10) tenth = watch.memory();
    }
    const [save, check] = [median(saves), median(checks)];
    console.log(
      `from save to verdict      ${save.toFixed(0)} ms in the median of ${timed}, ${Math.max(...saves).toFixed(0)} ms at the most`,
    );
    console.log(
      `a cold check, in turn     ${check.toFixed(0)} ms in the median, ${(check / save).toFixed(1)} times as long`,
    );
    if (tenth)
      console.log(
        `memory of the watch       ${tenth.toFixed(0)} MiB after the tenth save, ${watch.memory()!.toFixed(0)} MiB after ${runs}`,
      );
    return 0;
  } finally {
    watch.end();
    copy.remove();
  }
}

async function startWatch(copy: Copy, lesson: Lesson) {
  const child = spawn(process.execPath, ['scripts/run.js', 'watch', lesson.slug], {
    cwd: copy.folder,
    env: learnersEnv(),
  });
  let look = (_printed: string) => {};
  child.stdout.on('data', (bytes: Buffer) => look(bytes.toString()));
  const ended = new Promise<never>((_resolve, reject) => {
    child.once('exit', () => reject(new Error('npm run watch has ended.')));
  });
  ended.catch(() => {});
  const verdict = () => {
    const printed = new Promise<void>((resolve, reject) => {
      look = (text) => {
        if (text.includes('Passed')) resolve();
        else if (text.includes('✗')) reject(new Error(`The solution did not pass:\n${text}`));
      };
    });
    return Promise.race([printed, ended]);
  };
  await verdict();
  const path = join('lessons', lesson.slug, 'server.ts');
  const server = copy.read(path);
  return {
    save(run: number): Promise<void> {
      copy.write(path, `${server}// saved ${run} times\n`);
      return verdict();
    },
    memory: () => residentMemory(child.pid),
    end: () => child.kill(),
  };
}

async function timeOf(action: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await action();
  return performance.now() - began;
}
