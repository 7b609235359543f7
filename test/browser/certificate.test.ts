// The certificate in a browser: on a screen in light and in dark colours, on a phone, and on paper.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { learnersCopy, type Copy } from '../../scripts/workshop/copy.ts';
import { chromiumPath, launch } from './chromium.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Of those that may stand on it: with spaces, and as one long word. */
const names = ['Ada Lovelace', 'Wolfeschlegelsteinhausenbergerdorffwelchevoralternwaren'];

// test/browser/reader.test.ts says so where there is no browser.
describe.skipIf(!chromiumPath)('the certificate', () => {
  let copy: Copy;
  let browser: Browser;
  beforeAll(async () => {
    copy = learnersCopy();
    copy.write('.progress', catalog.map(({ slug }) => `${slug} 3/3 0123456789abcdef\n`).join(''));
    for (const [i, name] of names.entries()) {
      expect((await copy.run('certificate', name, '--out', `${i}.html`)).code).toBe(0);
    }
    browser = await launch();
  });
  afterAll(async () => {
    await browser.close();
    copy.remove();
  });

  async function open(name: string, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
    const page = await browser.newPage({ colorScheme });
    onTestFinished(() => page.close());
    await page.goto(pathToFileURL(join(copy.folder, `${names.indexOf(name)}.html`)).href);
    return page;
  }

  /** What stands out of the frame or of the window. */
  const outside = (page: Page) =>
    page.evaluate(() => {
      const frame = document.querySelector('main')!.getBoundingClientRect();
      const parts = [...document.querySelectorAll('main *')].filter((part) => {
        const { left, right, bottom } = part.getBoundingClientRect();
        return left < frame.left || right > frame.right || bottom > frame.bottom;
      });
      const wide = document.documentElement.scrollWidth > innerWidth ? ['the page'] : [];
      return [...wide, ...parts.map((part) => part.outerHTML)];
    });

  const coloursOf = (page: Page) =>
    page.evaluate(() => {
      const { color, backgroundColor } = getComputedStyle(document.body);
      return { color, backgroundColor };
    });
  const onPaper = { color: 'rgb(27, 27, 27)', backgroundColor: 'rgb(255, 255, 255)' };

  test.for(['light', 'dark'] as const)('axe finds nothing in %s colours', async (colorScheme) => {
    const page = await open(names[0]!, colorScheme);
    expect((await coloursOf(page)).backgroundColor === onPaper.backgroundColor).toBe(colorScheme === 'light');
    await page.evaluate(`(() => {${axe}})()`);
    const violations = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } };
      return (await axe.run()).violations;
    });
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`),
    ).toEqual([]);
  });

  test.for(names)('nothing stands out of its frame: %s', async (name) => {
    const page = await open(name);
    for (const width of [320, 360, 768, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await outside(page), `at ${width} pixels`).toEqual([]);
    }
  });

  test.for(names)('it is one sheet of paper, dark on white: %s', async (name) => {
    const page = await open(name, 'dark');
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await coloursOf(page)).toEqual(onPaper);
    // A4 less the margins of the page.
    await page.setViewportSize({ width: 680, height: 1009 });
    expect(await outside(page)).toEqual([]);
    const pdf = await page.pdf({ preferCSSPageSize: true });
    expect(pdf.toString('latin1').match(/\/Type \/Page\b/g)).toHaveLength(1);
  });
});
