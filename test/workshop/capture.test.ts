// What went over the wire, on its way from the grader to a terminal or a page.
import { describe, expect, test } from 'vitest';
import { catalog } from '../../lessons/catalog.ts';
import { captureText, rowText } from '../../scripts/workshop/capture-text.ts';
import { rowsOf } from '../../scripts/workshop/capture.ts';
import { readPage } from '../../scripts/workshop/page.ts';
import { spansOf, timeline } from '../../scripts/workshop/reader/timeline.ts';
import { captureFrom } from '../../scripts/workshop/reader/wire-fence.ts';
import { carriedBy, messageOf } from '../harness/wire/message.ts';
import { transcript, type Capture, type Entry, type Mark } from '../harness/wire/transcript.ts';
import { normalizeVerdict } from '../proof/normalize-verdict.ts';

/** A piece of a body, as a capture has it. */
const chunk = (mark: Mark, text: string, more: Partial<Entry> = {}): Entry => ({
  at: 0,
  mark,
  text,
  bytes: Buffer.byteLength(text),
  ...more,
});
const json = (message: object) => JSON.stringify({ jsonrpc: '2.0', ...message });
const event = (message: object) => `data: ${json(message)}\n\n`;
const says = (data: string) => ({ method: 'notifications/message', params: { level: 'info', data } });

describe('a transcript', () => {
  test('is data that survives JSON, with the bytes as they were', () => {
    const record = transcript();
    record.add('→', 'POST /mcp', 'client 1');
    record.add('←', Buffer.from('data: "\\u00e9 é\t"\n\n'));
    record.add('←', Buffer.from([1, 0, 2]));
    const capture = record.capture();
    expect(JSON.parse(JSON.stringify(capture))).toEqual(capture);
    expect(capture).toMatchObject([
      { at: 0, mark: '→', who: 'client 1', text: 'POST /mcp' },
      { mark: '←', text: 'data: "\\u00e9 é\t"\n\n', bytes: 20 },
      { mark: '←', text: '(3 bytes)' },
    ]);
  });

  test('keeps the beginning and the end of a stream without end, and counts the rest', () => {
    const record = transcript();
    for (let i = 0; i < 100_000; i++) record.add('←', Buffer.from(`row ${i}\n`));
    const capture = record.capture() as Entry[];
    expect(capture[0]!.text).toBe('row 0\n');
    expect(capture.at(-1)!.text).toBe('row 99999\n');
    const gaps = capture.filter(({ leftOut }) => leftOut);
    expect(gaps).toHaveLength(1);
    const { rows, bytes } = gaps[0]!.leftOut as unknown as { rows: number; bytes: number };
    expect(rows + capture.length - 1).toBe(100_000);
    const kept = capture.filter((entry) => entry !== gaps[0]).reduce((sum, { bytes }) => sum + bytes!, 0);
    expect(bytes + kept).toBe(988_890);
    expect(capture.length).toBeLessThan(1000);
  });

  test('keeps the beginning of a long chunk, in whole characters', () => {
    const record = transcript();
    record.add('←', Buffer.from('é'.repeat(30_000) + 'x'));
    record.add('←', Buffer.from(`x${'é'.repeat(30_000)}`));
    record.add('▸', 'y'.repeat(30_000));
    const [even, odd, line] = record.capture() as Entry[];
    for (const entry of [even, odd]) {
      expect(entry!.text).toMatch(/^x?é+$/);
      expect(entry!.text.length).toBeLessThan(10_000);
      expect(entry!.bytes).toBe(60_001);
      expect(Math.abs(entry!.leftOut! + Buffer.byteLength(entry!.text) - 60_001)).toBeLessThan(2);
    }
    expect(line!.leftOut! + line!.text.length).toBe(30_000);
  });

  test('says which run of the program an entry is of, where there are several', () => {
    const record = transcript();
    const [one, other] = [record.ofRun(7), record.ofRun(9)];
    one.add('▸', 'of the first');
    record.add('·', 'of the grader');
    expect(record.capture()[0]).not.toHaveProperty('run');
    other.add('▸', 'of the second');
    one.add('▸', 'of the first again');
    expect(record.capture()).toMatchObject([{ run: 1 }, { run: 1 }, { run: 2 }, { run: 1 }]);
    expect(rowsOf(record.capture()).map((row) => (row.is === 'run' ? row.run : row.is))).toEqual([
      1,
      'entry',
      'entry',
      2,
      'entry',
      1,
      'entry',
    ]);
  });
});

describe('a message is told by its properties', () => {
  test.for([
    [
      json({ id: 7, method: 'tools/call', params: { a: 1 } }),
      { kind: 'request', method: 'tools/call', id: '7', content: { name: 'params', value: { a: 1 } } },
    ],
    [json({ id: '7', method: 'ping' }), { kind: 'request', method: 'ping', id: '"7"' }],
    [json({ id: null, method: 'ping' }), { kind: 'request', method: 'ping', id: 'null' }],
    [json({ method: 'notifications/initialized' }), { kind: 'notification', method: 'notifications/initialized' }],
    [json({ id: 0, result: {} }), { kind: 'response', id: '0', content: { name: 'result', value: {} } }],
    [
      json({ id: 2, error: { code: -32601, message: 'no' } }),
      { kind: 'error', id: '2', code: '-32601', content: { name: 'error', value: { code: -32601, message: 'no' } } },
    ],
    ['{"id":2,"result":null}', { kind: 'response', id: '2', content: { name: 'result', value: null } }],
    ['{"method":"ping","id":1}', { kind: 'request', method: 'ping', id: '1' }],
    ['{"jsonrpc":"2.0","id":1,"error":null}', { kind: 'error', id: '1', content: { name: 'error', value: null } }],
  ] as const)('%s', ([text, message]) => {
    expect(messageOf(text)).toEqual(message);
  });

  test.for([
    '',
    'x',
    '[]',
    'null',
    '1',
    '{}',
    '{"id":1}',
    '{"error":"x"}',
    '{"method":"GET"}',
    '{"jsonrpc":"2.0","id":1}',
    '{"jsonrpc":"2.0"}}',
    '{"jsonrpc":"2.0","id":1]',
  ])('%s is none', (text) => {
    expect(messageOf(text)).toBeUndefined();
  });

  test('any beginning of it that has two of them is enough, and is said to be cut', () => {
    const text = json({ id: 7, method: 'tools/call', params: { text: 'a "b" \\ {', list: [1, { x: null }] } });
    const known = text.indexOf(',"params"');
    for (let end = 1; end < text.length; end++) {
      const message = messageOf(text.slice(0, end));
      if (end >= known)
        expect(message, text.slice(0, end)).toMatchObject({
          kind: 'request',
          method: 'tools/call',
          id: '7',
          cut: true,
        });
      else if (message) expect(message.cut).toBe(true);
    }
    expect(messageOf('{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11…')?.content?.value).toEqual({
      protocolVersion: '2025-11…',
    });
  });
});

describe('messages in chunks', () => {
  /** The kinds and texts that each chunk carries. */
  const told = (...entries: Entry[]) =>
    carriedBy(entries).map(
      (carried) =>
        carried && [
          ...(carried.continues ? ['…'] : []),
          ...carried.parts.map((part) => ('message' in part ? part.message.kind : part.text)),
          ...(carried.unfinished ? ['…'] : []),
        ],
    );

  test('a body, the data of an event, several events, an array and lines', () => {
    expect(told(chunk('→', json({ id: 1, method: 'ping' })))).toEqual([['request']]);
    expect(told(chunk('←', `id: 3\nevent: message\n${event(says('x'))}`))).toEqual([['notification']]);
    expect(told(chunk('←', event(says('x')) + event({ id: 1, result: {} })))).toEqual([['notification', 'response']]);
    expect(told(chunk('←', `[${json(says('x'))},${json({ id: 1, result: {} })}]`))).toEqual([
      ['notification', 'response'],
    ]);
    expect(told(chunk('←', `${json(says('x'))}\n${json({ id: 1, result: {} })}\n`))).toEqual([
      ['notification', 'response'],
    ]);
    expect(told(chunk('←', `: hello\nretry: 5\ndata: x\n\n${event({ id: 1, result: {} })}`))).toEqual([
      [': hello', 'retry: 5', 'x', 'response'],
    ]);
    expect(told(chunk('←', 'event: step\ndata: 1 of 5\n\n'), chunk('←', 'Message 1\n'))).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('what the grader says of the wire is none', () => {
    expect(told({ at: 0, mark: '✗', text: json({ id: 1, result: {} }) })).toEqual([undefined]);
    expect(told({ at: 0, mark: '▸', text: json({ id: 1, result: {} }) })).toEqual([undefined]);
  });

  test.for(['\n', '\r\n', '\r'])('an event that is cut anywhere, with %j for a line break', (end) => {
    const text = `event: message\ndata: ${json(says('é'))}\n\n`.replaceAll('\n', end);
    for (let i = 1; i < text.length; i++) {
      const carried = carriedBy([chunk('←', text.slice(0, i)), chunk('←', text.slice(i))]);
      const messages = carried.flatMap((each) => each?.parts ?? []);
      expect(messages, JSON.stringify(text.slice(0, i))).toMatchObject([{ message: { kind: 'notification' } }]);
    }
  });

  test('a cut event belongs to the stream that it began in', () => {
    const [first, rest] = [event(says('x')).slice(0, 60), event(says('x')).slice(60)];
    const one = { who: 'client 1' };
    expect(told(chunk('←', first, one), chunk('←', event({ id: 1, result: {} })), chunk('←', rest, one))).toEqual([
      ['…'],
      ['response'],
      ['…', 'notification'],
    ]);
    // A new head is a new stream.
    const head: Entry = { at: 0, mark: '←', text: '200 OK' };
    expect(told(chunk('←', first), head, chunk('←', event({ id: 1, result: {} })))).toEqual([
      ['…'],
      undefined,
      ['response'],
    ]);
  });

  test('a message of which not all was kept is told all the same', () => {
    const text = `data: ${json(says('x'.repeat(200))).slice(0, 120)}`;
    expect(told(chunk('←', text, { leftOut: 90 }), chunk('←', event({ id: 1, result: {} })))).toEqual([
      ['notification'],
      ['response'],
    ]);
  });

  test('a response knows what it answers, in its direction and for its client', () => {
    const answers = (capture: Capture) =>
      carriedBy(capture).flatMap((each) => each?.parts.map((part) => ('message' in part ? part.to : '')) ?? []);
    const one = { who: 'client 1' };
    expect(
      answers([
        chunk('→', json({ id: 1, method: 'tools/call' }), one),
        chunk('→', json({ id: 1, method: 'ping' }), { who: 'client 2' }),
        chunk('←', json({ id: 1, method: 'roots/list' }), one),
        chunk('→', json({ id: 1, result: {} }), one),
        chunk('←', json({ id: 1, result: {} }), one),
        chunk('←', json({ id: '1', result: {} }), one),
      ]),
    ).toEqual([undefined, undefined, undefined, 'roots/list', 'tools/call', undefined]);
  });
});

describe('in a terminal', () => {
  const long = says('Processing file 1/3 of the folder that was asked for...');

  test('a text that fits stays as it was', () => {
    expect(captureText([chunk('←', 'Message 1\n')])).toEqual(['    0 ms  ← Message 1']);
    expect(captureText([chunk('←', '\n')])).toEqual(['    0 ms  ← \\n']);
    const short = json({ id: 1, method: 'ping' });
    expect(captureText([chunk('→', short)])).toEqual([`    0 ms  → ${short}`]);
    expect(captureText([{ at: 1.6, mark: '·', who: 'a', text: 'x' }])).toEqual(['    2 ms  a  · x']);
  });

  test('a message that does not begins with its kind, method and id, and is cut behind punctuation', () => {
    const capture = [
      chunk(
        '→',
        json({ id: 'a', method: 'tools/call', params: { name: 'process_files', arguments: { message: 'hello you' } } }),
      ),
      chunk(
        '←',
        event(long) +
          event({ id: 'a', error: { code: -32602, message: 'no such tool, or it is called something else' } }),
      ),
    ];
    expect(captureText(capture)).toEqual([
      '    0 ms  → request tools/call (id "a")',
      '              {"name":"process_files","arguments":{"message":"hello you"}}',
      '    0 ms  ← event · notification notifications/message',
      '              {"level":"info","data":',
      '              "Processing file 1/3 of the folder that was asked for..."}',
      '            event · error -32602 to tools/call (id "a")',
      '              {"code":-32602,"message":"no such tool,',
      '               or it is called something else"}',
    ]);
    expect(
      normalizeVerdict(
        captureText(capture)
          .map((line) => `       ${line}\n`)
          .join(''),
      ),
    ).toBe('       (what went over the wire)\n\n');
  });

  test('an event that is cut over two chunks says so', () => {
    const text = event(long);
    expect(
      captureText([chunk('←', text.slice(0, 70)), chunk('←', text.slice(70))]).filter((line) => line.includes('·')),
    ).toEqual([
      '    0 ms  ← the beginning of an event · notification notifications/message',
      '    0 ms  ← the rest of an event · notification notifications/message',
    ]);
  });

  test('no line is wider than 76 columns, and there are 24 at most', () => {
    const capture = Array.from({ length: 60 }, (_, i) =>
      chunk(i % 2 ? '←' : '→', event({ id: i, result: { text: 'x'.repeat(i * 20) } }), { who: `client ${i}`, at: i }),
    );
    const lines = captureText(capture);
    expect(lines.length).toBeLessThanOrEqual(24);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(76);
    expect(lines.filter((line) => / rows left out$/.test(line))).toHaveLength(1);
    expect(lines[0]).toContain('client 0');
    expect(lines.some((line) => line.includes('client 59'))).toBe(true);
  });

  test('rows that are alike are one, and nothing is uncounted', () => {
    const rows = Array.from({ length: 216 }, (_, i) => chunk('←', `{"row":${i},"name":"n${i}"}\n`, { at: i }));
    const lines = captureText([{ at: 0, mark: '→', text: 'GET /export' }, ...rows]);
    expect(lines).toHaveLength(6);
    expect(lines[4]).toBe('          … 212 more like this');
    expect(lines[5]).toContain('"row":215');
    expect(captureText([chunk('←', 'a'), { leftOut: { rows: 12, bytes: 345 } }, chunk('←', 'b')])[1]).toBe(
      '          … 12 rows (345 bytes) left out',
    );
  });

  test('without an end of the columns a row is whole', () => {
    const text = event(long);
    expect(rowText(chunk('←', text), Infinity)).toBe(`    0 ms  ← data: ${json(long)}\\n`);
  });
});

describe('as a picture', () => {
  const wire = [
    '    0 ms  client 1  → GET /a → b',
    '    1 ms            · at work: message 1',
    '    4 ms            · done:    message 1',
    '    4 ms  client 1  ← Message 1',
    '    5 ms            · at work: message 2',
    '          … 3 rows left out',
    ' 2001 ms  client 2  ✗ Message 2',
    ' 2002 ms  client 2  ▸',
  ].join('\n');

  test('a fence of a lesson is a capture too', () => {
    expect(captureFrom(wire)).toEqual([
      { at: 0, mark: '→', who: 'client 1', text: 'GET /a → b' },
      { at: 1, mark: '·', text: 'at work: message 1' },
      { at: 4, mark: '·', text: 'done:    message 1' },
      { at: 4, mark: '←', who: 'client 1', text: 'Message 1' },
      { at: 5, mark: '·', text: 'at work: message 2' },
      { leftOut: { rows: 3, bytes: 0 } },
      { at: 2001, mark: '✗', who: 'client 2', text: 'Message 2' },
      { at: 2002, mark: '▸', who: 'client 2', text: '' },
    ]);
    expect(captureFrom('    0 ms  → GET /a → b')).toMatchObject([{ text: 'GET /a → b' }]);
    expect(() => captureFrom('and so on')).toThrow('not a row of a capture: and so on');
  });

  test('every capture of a lesson can be drawn, and its JSON is told as messages', () => {
    for (const lesson of catalog) {
      for (const { code } of readPage(lesson).fences.filter(({ info }) => info === 'wire')) {
        const capture = captureFrom(code);
        const carried = carriedBy(capture);
        for (const [i, entry] of capture.entries()) {
          if ('text' in entry && /"jsonrpc"/.test(entry.text) && entry.mark !== '▸')
            expect(carried[i], entry.text).toBeDefined();
        }
      }
    }
  });

  test('the beginning and the end of work are one row', () => {
    const { entries, spans } = spansOf(captureFrom(wire));
    expect(entries).toHaveLength(7);
    expect([...spans.values()]).toEqual([
      { from: 0, to: 0, held: false },
      { from: 1, to: 4, held: false },
      { from: 4, to: 4, held: false },
      { from: 5, to: 2002, held: true },
      { from: 5, to: 2001, held: false },
      { from: 2002, to: 2002, held: false },
    ]);
    const drawn = timeline(captureFrom(wire), 'A capture').markup;
    expect(drawn.match(/class="span held"/g)).toHaveLength(1);
    expect(drawn.match(/class="wait"/g)).toHaveLength(1);
    expect(drawn).not.toMatch(/style=|NaN|Infinity/);
  });

  test('a message is its kind, method and id in words, and unfolds to its content and its bytes', () => {
    const long = 'x'.repeat(3000);
    const drawn = timeline(
      [chunk('→', json({ id: 7, method: 'tools/call' })), chunk('←', event(says(long)) + event({ id: 7, result: {} }))],
      'A capture',
    ).markup;
    const summaries = [...drawn.matchAll(/<details class="message \w+">\s*<summary>(.*?)<\/summary>/gs)].map(
      ([, summary]) =>
        summary!
          .replace(/<[^>]*>/g, '')
          .replace(/\s+/g, ' ')
          .trim(),
    );
    expect(summaries).toEqual([
      'sent: request tools/call id 7',
      expect.stringMatching(/^received: notification notifications\/message info · x+…$/),
      'response to tools/call id 7',
    ]);
    expect(drawn).toContain(long); // whole, and not as a terminal has room for it
  });

  test('what a program sends stays text', () => {
    const image = '<img src=x onerror=alert(1)>';
    const drawn = timeline(
      [
        chunk('←', image),
        chunk('←', json({ id: image, method: image, params: [image] })),
        chunk('←', `event: ${image}\n${event({ id: 1, result: image })}`),
      ],
      'x',
    ).markup;
    expect(drawn).toContain('&lt;img');
    expect(drawn).not.toContain('<img');
  });

  test('rows that are alike are folded, and all there', () => {
    const rows = Array.from({ length: 50 }, (_, i) => chunk('←', `row ${i}\n`));
    const drawn = timeline(rows, 'x').markup;
    expect(drawn).toContain('… 46 more like this');
    for (let i = 0; i < 50; i++) expect(drawn).toContain(`row ${i}<`);
  });
});
