// Text of somebody else on its way to a terminal or a page: no character of it moves the cursor, turns the text, or hides.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { rowText } from '../../scripts/workshop/capture-text.ts';
import { Refusal } from '../../scripts/workshop/command.ts';
import { learnersCopy, type Copy } from '../../scripts/workshop/copy.ts';
import { codeBlock } from '../../scripts/workshop/reader/code.ts';
import { html } from '../../scripts/workshop/reader/html.ts';
import { timeline } from '../../scripts/workshop/reader/timeline.ts';
import { report } from '../../scripts/workshop/report.ts';
import { printable, printableJson, visible } from '../harness/wire/printable.js';
import type { Capture, Entry } from '../harness/wire/transcript.ts';

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i));
const hostile = [
  ...range(0x00, 0x09), // C0 without the line break
  ...range(0x0b, 0x1f),
  ...range(0x7f, 0x9f), // DEL and C1
  '\u00ad',
  '\u061c',
  '\u180e',
  ...range(0x200b, 0x200f),
  ...range(0x2028, 0x202e),
  ...range(0x2060, 0x206f),
  '\u3164',
  '\ufeff',
  '\ufff9',
  '\ud800',
  '\u{e0041}',
];
/** Whether something of a hostile character is left. */
const raw = (text: string) =>
  hostile.filter((character) => text.includes(character)).map((character) => escape(character));
const all = hostile.map((character) => `<${character}>`).join('');

describe('every hostile character', () => {
  test('is made visible, and nothing else is changed', () => {
    for (const character of hostile) {
      expect(raw(printable(`a${character} b\nc`)), escape(character)).toEqual([]);
      expect(raw(visible(`a${character} b`)), escape(character)).toEqual([]);
    }
    const usual = 'Grüße, 日本 👍🏽 ❤️ "quoted" C:\\path {"a":1}\n  indented';
    expect(printable(usual)).toBe(usual);
    expect(printable('one\r\n\ttwo \x1b[31mred\x1b[0m \u202eevil')).toBe('one\\r\n\\ttwo red \\u202eevil');
    expect(visible('a\nb \u202e \u{e0041}')).toBe('a\\nb \\u202e \\u{e0041}');
  });

  test('is escaped in JSON, which stays the same value', () => {
    const value = { text: all, list: [all] };
    expect(raw(printableJson(value))).toEqual([]);
    expect(JSON.parse(printableJson(value))).toEqual(value);
  });

  test('is made visible on a page', () => {
    const left = (markup: string) => raw(markup.replace(/[\n\r\t]/g, ''));
    expect(left(html`<p title="${all}">${all}</p>`.markup)).toEqual([]);
    expect(left(codeBlock(`const a = '${all}';`, 'ts', all).markup)).toEqual([]);
    expect(left(codeBlock(all, 'unknown', all).markup)).toEqual([]);
  });

  test('is made visible in a row of a capture, a refusal, and every field of a verdict', () => {
    const message = JSON.stringify({ jsonrpc: '2.0', id: all, method: all, params: { [all]: all } });
    const said: Entry[] = [
      { at: 0, mark: '·', who: all, text: `at work: ${all}\n` },
      { at: 0, mark: '→', text: message, bytes: 1 },
      { at: 0, mark: '←', text: `event: ${all.replace(/[\n\r]/g, '')}\ndata: ${message}\n\n`, bytes: 1 },
      { at: 0, mark: '←', text: `data: ${message}\n\ndata: ${all.replace(/[\n\r]/g, '')}\n\n`, bytes: 1 },
    ];
    for (const entry of said) expect(raw(rowText(entry, 4000) + rowText(entry, 76).replaceAll('\n', ''))).toEqual([]);
    const wire: Capture = said;
    expect(raw(timeline(wire, 'x').markup.replace(/[\n\r\t]/g, ''))).toEqual([]);
    expect(raw(new Refusal(all).message)).toEqual([]);
    const explanation = {
      cause: all,
      compare: { expected: all, received: all },
      advice: all,
      output: all,
      at: all,
      see: all,
      wire,
    };
    const text = report(
      catalog[0]!,
      {
        lesson: catalog[0]!.slug,
        state: 'failed',
        seed: 1,
        tasks: [
          {
            number: 1,
            title: all,
            state: 'failed',
            requirements: [{ sentence: all, state: 'failed', explanation }],
          },
        ],
      },
      undefined,
    );
    expect(raw(text)).toEqual([]);
    expect(text).toContain('\\u202e');
  });
});

describe('the commands', () => {
  let copy: Copy;
  beforeAll(() => {
    copy = learnersCopy();
  });
  afterAll(() => copy.remove());

  test('quote words, files and lines without them', async () => {
    copy.write('.progress', '01-chunked-stream \u202e\x1b[2J\x9b2J three\n');
    for (const [script, ...args] of [
      ['check', '\u202e\x1b[2J\x9b2J'],
      ['progress'],
      ['reset', '1', '--from', '\u202e\x1b[2J'],
      ['doctor', '\u202e\x1b[2J'],
      ['start', '--port', '\u202e\x1b[2J'],
    ]) {
      const { code, stdout, stderr } = await copy.run(script!, ...args);
      expect({ script, code, raw: raw(stdout + stderr) }).toEqual({ script, code: 2, raw: [] });
      expect(stderr).toContain('\\u202e');
    }
    copy.write('.progress', '');
  });

  test('print what a program says without them', async () => {
    copy.write(
      'lessons/01-chunked-stream/server.ts',
      `import { createServer } from 'node:http';
import { work } from '#support/work.ts';
createServer(async (_request, response) => {
  await work('\\u202e label \\x1b[2J');
  response.writeHead(500, 'bad \\x9b2J', { 'Content-Type': 'text/\\x9b2J' });
  response.end('\\u202e \\u2066 \\x1b]0;title\\x07 \\u200b');
}).listen(process.env.PORT, () => console.log('\\u202e \\x1b[2J listening'));
`,
    );
    for (const args of [[], ['--json']]) {
      const { code, stdout, stderr } = await copy.run('check', 'lesson-1', ...args);
      expect({ code, raw: raw(stdout + stderr) }).toEqual({ code: 1, raw: [] });
      expect(stdout).toContain('u202e');
    }
    copy.write('lessons/01-chunked-stream/server.ts', "throw new Error('\\u202e \\x1b[2J \\x9b2J');\n");
    const tried = await copy.run('try', 'lesson-1');
    expect({ code: tried.code, raw: raw(tried.stdout + tried.stderr) }).toEqual({ code: 1, raw: [] });
    expect(tried.stdout).toContain('\\u202e');
  });
});
