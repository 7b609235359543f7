// The reader as people use it: in a real browser, in a copy of the workshop.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { learnersCopy, type Copy } from '../../scripts/workshop/copy.ts';
import { readHints } from '../../scripts/workshop/page.ts';
import { finished } from '../../scripts/workshop/starter.ts';
import { solutionsFolder } from '../harness/folders.js';
import { mistakesOf } from '../proof/mistake.ts';
import { ownWork } from '../workshop/own-work.ts';
import { startReader, type Started } from '../workshop/started.ts';
import { chromiumPath, launch } from './chromium.ts';

const folder = 'lessons/01-chunked-stream';
const lesson1 = `/${folder}/`;
const collects = ownWork('server.ts')
  .replace('for (let i', "let all = '';\n  for (let i")
  .replace(/response\.write\((.*)\);/, 'all += $1;')
  .replace('response.end()', 'response.end(all)');
const lesson9 = '/lessons/09-notifications/';
/** What a tool says, sent as a response to its call. */
const respondsFirst = await afterMistake('09-notifications', 'a-response-for-each-file');
const cause = 'Message 1 was ready, but your server had not sent it when it was already working on message 2.';

/** The solution's server with a mistake in it. */
async function afterMistake(slug: string, name: string): Promise<string> {
  const { edits } = (await mistakesOf(slug)).find((mistake) => mistake.name === name)!;
  const text = finished(readFileSync(join(solutionsFolder, slug, 'server.ts'), 'utf8'));
  return edits!.reduce((text, [from, to]) => text.replace(from, () => to), text);
}

test('there is a browser', ({ skip }) => {
  if (chromiumPath) return;
  const text = 'No Chromium was found, so the pages were not tested in a browser. CHROMIUM=/path/to/one names one.';
  if (process.env.CI) expect.fail(text);
  console.warn(text);
  skip(text);
});

describe.skipIf(!chromiumPath)('in a browser', () => {
  let copy: Copy;
  let reader: Started;
  let browser: Browser;
  beforeAll(async () => {
    copy = learnersCopy();
    [reader, browser] = await Promise.all([startReader(copy), launch()]);
  });
  afterAll(async () => {
    await browser.close();
    await reader.stop();
    copy.remove();
  });

  /** Opens a page; anything that it complains about fails the test, as does a request to anywhere else. */
  async function open(path: string, options: BrowserContextOptions & { at?: Started } = {}): Promise<Page> {
    const { at = reader, ...rest } = options;
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      reducedMotion: 'reduce',
      ...rest,
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      const expected =
        /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED/.test(message.text()) ||
        message.location().url.endsWith('/nothing');
      if (message.type() === 'error' && !expected) complaints.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(at.url)) complaints.push(`asked for ${request.url()}`);
    });
    onTestFinished(async () => {
      await context.close();
      expect(complaints).toEqual([]);
    });
    await page.goto(at.url + path);
    return page;
  }

  const live = (page: Page) => page.locator('html[data-live="on"]').waitFor({ state: 'attached' });
  const stateOf = (page: Page, state: string) => page.locator(`#live[data-state="${state}"]`).waitFor();
  /** Does something that brings a verdict, and waits until each of these pages has it. */
  const verdictOn = async (pages: Page[], act: () => void | Promise<void>) => {
    const before = await Promise.all(pages.map((page) => page.locator('#live').elementHandle()));
    await act();
    await Promise.all(pages.map((page, i) => page.waitForFunction((live) => !live!.isConnected, before[i])));
  };

  test('a first-time learner reads, saves, sees the cause, asks, saves, passes and goes on', async () => {
    const page = await open('/', { permissions: ['clipboard-read', 'clipboard-write'] });
    expect(await page.title()).toBe('Chunk by Chunk');
    expect(await page.locator('.overall').innerText()).toContain(`0 of ${catalog.length} lessons passed`);
    await page.getByRole('link', { name: 'Begin with lesson 1' }).click();
    await page.waitForURL(`**${lesson1}`);
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Lesson 1 · A chunked stream');
    expect(await page.locator('main .wire').first().locator('li.received .mark').count()).toBe(5);
    await live(page);

    copy.write(`${folder}/server.ts`, collects);
    await stateOf(page, 'failed');
    expect(await page.locator('.cause').innerText()).toBe(cause);
    expect(await page.locator('#status').innerText()).toBe(`Lesson 1: 0 of 3 tasks. ${cause}`);
    const picture = page.locator('.verdict .wire');
    expect(await picture.locator('.work .span.held').count()).toBe(1);
    expect(await picture.locator('.missing').first().innerText()).toContain('Message 1');
    // What never came is looked for from left to right, as long as the work is held.
    const [held, wait] = await Promise.all([
      picture.locator('.span.held').boundingBox(),
      picture.locator('.wait').boundingBox(),
    ]);
    expect(Math.abs(held!.width - wait!.width)).toBeLessThan(5);
    expect(await page.getByText('curl -N http://127.0.0.1:3000/stream', { exact: true }).last().isVisible()).toBe(true);
    expect(await page.locator('main [data-requirement="1.0"]').getAttribute('data-state')).toBe('passed');
    expect(await page.locator('main [data-requirement="1.1"]').getAttribute('data-state')).toBe('failed');
    const editor = await page.getByRole('link', { name: `${folder}/server.ts` }).getAttribute('href');
    expect(editor).toBe(`vscode://file${join(copy.folder, folder, 'server.ts')}:1`);
    await page.getByRole('button', { name: 'copy this verdict as text' }).click();
    await page.getByRole('button', { name: 'copied' }).waitFor();
    const copied = (await page.evaluate('navigator.clipboard.readText()')) as string;
    expect(copied.replace(/\s+/g, ' ')).toContain(cause);
    expect(copied).toMatch(/^ +\d+ ms {2}✗ Message 1/m);

    await page.getByRole('link', { name: 'Hint', exact: true }).click();
    const [first, second] = readHints(catalog[0]!);
    const sheet = page.locator('dialog#sheet');
    await sheet.getByText(first!.question).click();
    const answer = sheet.locator('details[open] p');
    expect((await answer.first().innerText()).slice(0, 20)).toBe(first!.answer.replaceAll('`', '').slice(0, 20));
    await sheet.getByText(second!.question).click();
    expect(await sheet.locator('details[open]').count()).toBe(1);
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'hidden' });

    for (const file of ['server.ts', 'client.ts']) copy.write(`${folder}/${file}`, ownWork(file));
    await stateOf(page, 'passed');
    expect(await page.locator('#status').innerText()).toMatch(/^Lesson 1: Passed\./);
    await page.getByRole('link', { name: 'Lesson 2: Server-sent events' }).click();
    await page.waitForURL('**/lessons/02-server-sent-events/');
    await page.getByRole('link', { name: 'Chunk by Chunk' }).click();
    expect(await page.locator('.overall').innerText()).toContain(`1 of ${catalog.length} lessons passed`);
    expect(await page.locator('#lesson-1').getAttribute('data-state')).toBe('passed');
    await page.getByRole('link', { name: 'Go on with lesson 2' }).waitFor();
  });

  test('a capture says which message is what, and unfolds with the keyboard', async () => {
    const page = await open(lesson9);
    await live(page);
    copy.write(`${lesson9}server.ts`, respondsFirst);
    await stateOf(page, 'failed');
    const rows = page.locator('.verdict .message > summary');
    const told = (await rows.allInnerTexts()).map((text) => text.replace(/\s+/g, ' '));
    expect(told.map((text) => /(request|notification|response) (\S+ ?\S*)/.exec(text)?.[0])).toEqual([
      'request tools/call id',
      'response to tools/call',
    ]);
    expect(await page.locator('.verdict .wire').innerText()).not.toContain('"jsonrpc"');

    const response = rows.nth(1);
    await response.focus();
    await page.keyboard.press('Enter');
    const inside = page.locator('.verdict .message[open]');
    expect(JSON.parse(await inside.locator('.content pre').innerText())).toEqual({
      level: 'info',
      data: 'Processing file 1/3...',
    });
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await inside.locator('.raw pre').innerText()).toContain('data: {"jsonrpc":"2.0"');
    await response.press('Enter');
    await inside.waitFor({ state: 'detached' });
  });

  test('two tabs agree, and the course page with them', async () => {
    copy.write(`${folder}/server.ts`, ownWork('server.ts'));
    const pages = [await open(lesson1), await open(lesson1), await open('/')] as const;
    for (const page of pages) await live(page);
    await verdictOn(pages.slice(0, 2), () => copy.write(`${folder}/server.ts`, collects));
    const [one, two] = await Promise.all(pages.slice(0, 2).map((page) => page.locator('#live').innerHTML()));
    expect(one).toBe(two);
    await pages[2].locator('#lesson-1[data-state="begun"]').waitFor();

    // A check from one is seen in the other, requirement by requirement.
    const seen = await pages[1].evaluateHandle(() => {
      const states: string[] = [];
      new MutationObserver((changes) => {
        for (const { target } of changes)
          states.push(`${(target as HTMLElement).dataset.key ?? 'all'} ${(target as HTMLElement).dataset.state}`);
      }).observe(document.querySelector('#live')!, {
        attributes: true,
        attributeFilter: ['data-state'],
        subtree: true,
      });
      return states;
    });
    await verdictOn(pages.slice(0, 2), () => pages[0].getByRole('button', { name: 'check with this seed' }).click());
    expect(await seen.jsonValue()).toEqual(
      expect.arrayContaining(['all running', '1.0 running', '1.0 passed', '1.1 failed', '2.0 waiting']),
    );
  });

  test('a page that was away shows what it missed', async () => {
    copy.write(`${folder}/server.ts`, collects);
    const [away, here] = [await open(lesson1), await open(lesson1)];
    for (const page of [away, here]) await live(page);
    const look = (page: Page, state: string) =>
      page.evaluate((state) => {
        Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }, state);
    await look(away, 'hidden');
    const before = await away.locator('#live').innerHTML();
    copy.write(`${folder}/server.ts`, "throw new Error('while you were away');\n");
    await here.getByText('Error: while you were away').waitFor();
    expect(await away.locator('#live').innerHTML()).toBe(before);
    await look(away, 'visible');
    await away.getByText('Error: while you were away').waitFor();
    expect(await away.locator('#live').innerHTML()).toBe(await here.locator('#live').innerHTML());
  });

  test('a page outlives the reader, and goes on with the next', async () => {
    const own = learnersCopy();
    onTestFinished(() => own.remove());
    const first = await startReader(own);
    const page = await open(lesson1, { at: first });
    await live(page);
    await first.stop();
    await page.getByText('not connected, trying again').waitFor();
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.locator('#notice').getByText('The reader does not answer. Is npm start still running?').waitFor();

    const second = await startReader(own, Number(new URL(first.url).port));
    onTestFinished(async () => void (await second.stop()));
    expect(second.url).toBe(first.url);
    await page.getByText('not connected, trying again').waitFor({ state: 'hidden' });
    await live(page);
    own.write(`${folder}/server.ts`, collects);
    await stateOf(page, 'failed');
    expect(await page.locator('.cause').innerText()).toBe(cause);
  });

  test('a reset asks first, and says where the files are', async () => {
    copy.write(`${folder}/server.ts`, collects);
    const page = await open(lesson1);
    await page.getByRole('link', { name: 'My changes' }).click();
    expect(await page.locator('#sheet .line.added').first().innerText()).toContain('+');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Reset' }).click();
    await page.getByRole('button', { name: 'Keep my files' }).click();
    expect(copy.read(`${folder}/server.ts`)).toBe(collects);
    await page.getByRole('button', { name: 'Reset' }).click();
    await page.locator('dialog#reset').getByRole('button', { name: 'Reset' }).click();
    const command = await page.locator('#notice code').innerText();
    const saved = /--from (\.saved\/\S+)$/.exec(command)![1]!;
    expect(copy.read(`${saved}/01-chunked-stream/server.ts`)).toBe(collects);
    expect(copy.read(`${folder}/server.ts`)).toContain('TODO task 1');
    await page.getByText('Your server answered GET /stream with status 501.', { exact: true }).waitFor();
  });

  test('the keyboard alone does the whole tour', async () => {
    const own = learnersCopy();
    onTestFinished(() => own.remove());
    const at = await startReader(own);
    onTestFinished(async () => void (await at.stop()));
    const page = await open('/', { at });
    const press = (...keys: string[]) =>
      keys.reduce(async (before, key) => (await before, page.keyboard.press(key)), Promise.resolve());
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim().replace(/\s+/g, ' '));
    /** Tabs on until something with that text has the focus. */
    const tabTo = async (text: string) => {
      for (let i = 0; i < 60 && (await focused()) !== text; i++) await press('Tab');
      expect(await focused()).toBe(text);
    };
    await live(page);
    await press('Tab');
    expect(await focused()).toBe('To the text');
    await press('g');
    await page.waitForURL(`**${lesson1}`);
    await live(page);

    await press('?');
    expect(await page.getByRole('dialog', { name: 'Keys' }).innerText()).toContain('check the lesson now');
    await press('Escape');

    own.write(`${folder}/server.ts`, collects);
    await stateOf(page, 'failed');
    await press('v');
    expect(await page.evaluate(() => document.activeElement?.className)).toBe('verdict');
    await verdictOn([page], () => press('c'));

    const sheet = page.locator('dialog#sheet');
    await press('h');
    await sheet.waitFor();
    expect(await focused()).toBe(readHints(catalog[0]!)[0]!.question);
    await press('Enter');
    await sheet.locator('details[open]').waitFor();
    await press('Escape', 'd');
    await sheet.locator('.line.added').first().waitFor();
    await press('Escape', 's');
    await sheet.getByText('You have not passed this task yet.').first().waitFor();
    await tabTo('Show it all the same');
    await press('Enter');
    await sheet.locator('.solution pre').waitFor();
    await press('Escape', 'x');
    await tabTo('Reset');
    await press('Enter');
    await page.locator('#notice code').waitFor();
    await page.getByText('Your server answered GET /stream with status 501.', { exact: true }).waitFor();

    await press('t');
    expect(await page.locator('html').getAttribute('data-type')).toBe('larger');
    await page.reload();
    expect(await page.getByRole('button', { name: 'Larger type' }).getAttribute('aria-pressed')).toBe('true');
    await press('t');

    await press('n');
    await page.waitForURL('**/lessons/02-server-sent-events/');
    await press('p');
    await page.waitForURL(`**${lesson1}`);
    await press('l');
    await page.waitForURL(`${at.url}/`);

    // Whoever speaks to the computer can turn the single keys off.
    await press('?');
    await page.getByRole('checkbox').focus();
    await press(' ', 'Escape', 'g');
    expect(page.url()).toBe(`${at.url}/`);
    await tabTo('Begin with lesson 1: A chunked stream →');
    await press('Enter');
    await page.waitForURL(`**${lesson1}`);
  });

  const tooWide = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

  const coursePages = ['/', ...catalog.map(({ slug }) => `/lessons/${slug}/`)];

  test('no page is wider than its window', async () => {
    const page = await open('/');
    for (const path of [...coursePages, `${lesson1}hints`, `${lesson1}diff`, `${lesson1}examples/blocking.ts`]) {
      await page.goto(reader.url + path);
      for (const width of [320, 360, 768, 1280, 1920]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await tooWide(page), `${path} at ${width} pixels`).toBeLessThanOrEqual(0);
      }
    }
  });

  describe('axe finds nothing,', () => {
    // Only here the policy of the pages is set aside: axe is a script that they do not have.
    const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    const findings = async (page: Page, options: object) => {
      const violations = await page.evaluate(async (options) => {
        const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<AxeResults> } };
        return (await axe.run(options)).violations;
      }, options);
      return violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, any }) => `${id}: ${target.join(' ')}: ${any.map(({ message }) => message).join(' ')}`),
      );
    };
    const openForAxe = (path: string) => open(path, { colorScheme: 'light', bypassCSP: true });
    /** Looks at a page in light and in dark colours, on which only the contrast depends. */
    const look = async (page: Page, what: string) => {
      await page.evaluate(`globalThis.axe ?? (() => {${axe}})()`);
      expect(await findings(page, {}), what).toEqual([]);
      await page.emulateMedia({ colorScheme: 'dark' });
      expect(await findings(page, { runOnly: ['color-contrast'] }), `${what} in dark colours`).toEqual([]);
      await page.emulateMedia({ colorScheme: 'light' });
      expect(await tooWide(page), `${what} is wider than the window`).toBeLessThanOrEqual(0);
    };

    const others = ['hints', 'solution?reveal=1', 'diff', 'examples/blocking.ts#L3', 'nothing'].map(
      (page) => lesson1 + page,
    );

    test('on any page', async () => {
      copy.write(`${folder}/server.ts`, collects);
      const page = await openForAxe('/');
      for (const path of [...coursePages, ...others]) {
        await page.goto(reader.url + path);
        await look(page, path);
      }
    });

    test('in a capture of messages, folded and unfolded', async () => {
      const page = await openForAxe(lesson9);
      await live(page);
      await verdictOn([page], () => copy.write(`${lesson9}server.ts`, `${respondsFirst}// again\n`));
      await look(page, 'messages');
      for (const summary of await page.locator('.wire .message > summary').all()) await summary.click();
      await look(page, 'unfolded messages');
      for (const summary of await page.locator('.wire .raw > summary').all()) await summary.click();
      await page.keyboard.press('t');
      await page.setViewportSize({ width: 360, height: 740 });
      await look(page, 'their bytes in larger type on a phone');
    });

    test('in verdicts, dialogs and larger type', async () => {
      const page = await openForAxe(lesson1);
      await live(page);
      await verdictOn([page], () => copy.write(`${folder}/server.ts`, `${collects}// again\n`));
      await look(page, 'a verdict');
      for (const key of ['?', 'h', 'd', 's', 'x']) {
        await page.keyboard.press(key);
        await page.locator('dialog[open]').waitFor();
        await look(page, `the dialog of ${key}`);
        await page.keyboard.press('Escape');
        await page.locator('dialog[open]').waitFor({ state: 'hidden' });
      }
      await page.keyboard.press('t');
      await look(page, 'larger type');
      await page.setViewportSize({ width: 360, height: 740 });
      await look(page, 'larger type on a phone');
      copy.write(`${folder}/server.ts`, "throw new Error('x');\n");
      await page.getByText('Error: x').waitFor();
      await look(page, 'an error');
      for (const file of ['server.ts', 'client.ts']) copy.write(`${folder}/${file}`, ownWork(file));
      await stateOf(page, 'passed');
      await look(page, 'a pass');
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      expect(await page.locator('.panel').isVisible()).toBe(false);
      expect(await page.evaluate(() => getComputedStyle(document.body).color)).toBe('rgb(0, 0, 0)');
    });
  });
});
