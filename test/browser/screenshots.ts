// Takes the pictures of the README anew: node --import tsx test/browser/screenshots.ts
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { learnersCopy } from '../../scripts/workshop/copy.ts';
import { finished } from '../../scripts/workshop/starter.ts';
import { root, solutionsFolder } from '../harness/folders.js';
import { startReader } from '../workshop/started.ts';
import { launch } from './chromium.ts';

const folder = 'lessons/01-chunked-stream';
const copy = learnersCopy();
const reader = await startReader(copy);
const browser = await launch();
const pages = await Promise.all(
  (['light', 'dark'] as const).map(async (colorScheme) => {
    const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 880 } });
    await page.goto(`${reader.url}/${folder}/`);
    await page.locator('html[data-live="on"]').waitFor();
    return { colorScheme, page };
  }),
);

// A server that collects its messages, and sends them at the end.
const server = finished(readFileSync(join(solutionsFolder, '01-chunked-stream', 'server.ts'), 'utf8'))
  .replace('for (let i', "let all = '';\n  for (let i")
  .replace(/response\.write\((.*)\);/, 'all += $1;')
  .replace('response.end()', 'response.end(all)');
copy.write(`${folder}/server.ts`, server);
mkdirSync(join(root, 'docs'), { recursive: true });
for (const { colorScheme, page } of pages) {
  await page.locator('#live[data-state="failed"]').waitFor();
  await page.screenshot({ path: join(root, 'docs', `reader-${colorScheme}.png`) });
}
await browser.close();
await reader.stop();
copy.remove();
