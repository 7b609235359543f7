// Measures what the README says of the reader: node --import tsx test/browser/figures.ts
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { learnersCopy } from '../../scripts/workshop/copy.ts';
import { finished } from '../../scripts/workshop/starter.ts';
import { solutionsFolder } from '../harness/folders.js';
import { startReader } from '../workshop/started.ts';
import { launch } from './chromium.ts';

const runs = 25;
const folder = 'lessons/01-chunked-stream';
const solution = (file: string) => finished(readFileSync(join(solutionsFolder, '01-chunked-stream', file), 'utf8'));
const figure = (what: string, times: number[]) => {
  times.sort((a, b) => a - b);
  const at = (part: number) => `${times[Math.floor(part * (times.length - 1))]!.toFixed(0)} ms`;
  console.log(`${what}: ${at(0.5)} in the median, ${at(0)} at the least, ${at(1)} at the most, of ${times.length}`);
};

const copy = learnersCopy();
const began = performance.now();
const reader = await startReader(copy);
console.log(`npm start until its address is printed: ${(performance.now() - began).toFixed(0)} ms`);
const browser = await launch();
const page = await browser.newPage();

for (const path of ['/', `/${folder}/`]) {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    await page.goto(reader.url + path);
    times.push(
      await page.evaluate(
        () => (performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming).loadEventEnd,
      ),
    );
  }
  figure(`load of ${path}`, times);
}

for (const file of ['server.ts', 'client.ts']) copy.write(`${folder}/${file}`, solution(file));
await page.locator('#live[data-state="passed"]').waitFor();
const onThePage: number[] = [];
const untilTheVerdict: number[] = [];
for (let i = 0; i < runs; i++) {
  const live = await page.locator('#live').elementHandle();
  const saved = performance.now();
  copy.write(`${folder}/server.ts`, `${solution('server.ts')}// ${i}\n`);
  await page.waitForFunction((live) => !live!.isConnected, live); // looks at each frame
  onThePage.push(performance.now() - saved);
  const [, number, unit] = /([\d.]+) (m?s)/.exec(await page.locator('.took').innerText())!;
  untilTheVerdict.push(Number(number) * (unit === 's' ? 1000 : 1));
  // A learner does not save at once again; the next programs are prepared meanwhile.
  await new Promise((resolve) => setTimeout(resolve, 1500));
}
figure('lesson 1, from the save to the verdict on the page', onThePage);
figure('of which until the verdict', untilTheVerdict);

await browser.close();
await reader.stop();
copy.remove();
