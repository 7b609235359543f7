import { client, server, type Mistake } from '../proof/mistake.ts';

const work = 'await work(`message ${i}`);';
const write = 'response.write(`Message ${i}\\n`);';
const end = '  response.end();';
const loop = '  for (let i = 1; i <= 5; i++) {';
const type = "  response.type('text/plain');";
const app = 'const app = express();';
const stream = "app.get('/stream', async (_request, response) => {";
const pong = "  response.type('text/plain').send('pong');";
const ping = `app.get('/ping', (_request, response) => {\n${pong}\n});`;

/** Makes a program able to be busy for so many milliseconds of processor time, also on a machine that is busy itself. */
const busy: [string, string] = [
  app,
  `${app}\nconst used = (began: NodeJS.CpuUsage) => {\n  const { user, system } = process.cpuUsage(began);\n  return (user + system) / 1000;\n};`,
];

const read = 'for await (const piece of response.body) {';
const decode = 'unfinished += decoder.decode(piece as Buffer, { stream: true });';
const split = 'const lines = unfinished.split(/\\r?\\n/);';
const keep = '    unfinished = lines.pop()!;\n';
const print = 'for (const line of lines) console.log(line);';
const rest = 'if (unfinished) console.log(unfinished);';
const flush = '  unfinished += decoder.decode();\n';
const complain = '  console.error(`${url}: ${(error as Error).message}`);\n';
const exit = '  process.exitCode = 1;\n';
const ok = 'if (!response.ok || !response.body) {';

export const mistakes: Mistake[] = [
  // Task 1: the server sends each message as it is ready.
  server(
    1,
    'collects-everything',
    [loop, `  let body = '';\n${loop}`],
    [write, 'body += `Message ${i}\\n`;'],
    [end, '  response.end(body);'],
  ),
  server(1, 'forgets-await', [work, 'work(`message ${i}`);']),
  server(
    1,
    'waits-inside-for-each',
    [loop, '  [1, 2, 3, 4, 5].forEach(async (i) => {'],
    [`${write}\n  }`, `${write}\n  });`],
  ),
  server(
    1,
    'ends-without-awaiting-the-messages',
    [loop, `  async function sendMessages() {\n${loop}`],
    [`${write}\n  }`, `${write}\n  }\n  }\n  sendMessages();`],
  ),
  server(1, 'ends-after-the-first-message', [write, `${write}\n    response.end();`], [`  }\n${end}`, '  }']),
  server(1, 'busy-wait', [work, 'const end = Date.now() + 50;\n    while (Date.now() < end);']),
  server(1, 'sleeps-in-sync', [work, 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);']),
  server(
    1,
    'timers-all-at-once',
    [work, ''],
    [write, 'setTimeout(() => response.write(`Message ${i}\\n`), 300);'],
    [end, '  setTimeout(() => response.end(), 310);'],
  ),
  server(1, 'writes-before-the-work', [work, write], [`${write}\n  }`, `${work}\n  }`]),
  server(1, 'content-length', [type, `${type}\n  response.set('Content-Length', '50');`]),
  server(1, 'two-spaces', [write, 'response.write(`Message  ${i}\\n`);']),
  server(1, 'six-messages', [loop, '  for (let i = 1; i <= 6; i++) {']),
  server(
    1,
    'six-messages-by-timers',
    [work, 'await new Promise((done) => setTimeout(done, 30));'],
    [loop, '  for (let i = 1; i <= 6; i++) {'],
  ),
  server(1, 'no-line-break', [write, 'response.write(`Message ${i}`);']),
  server(1, 'line-break-before-the-message', [write, "response.write(`${i > 1 ? '\\n' : ''}Message ${i}`);"]),
  server(1, 'empty-line-between', [write, 'response.write(`Message ${i}\\n\\n`);']),
  server(1, 'greets-first', [loop, `  response.write('Here they come\\n');\n${loop}`]),
  server(1, 'two-writes', [write, "response.write(`Message ${i}`);\n    response.write('\\n');"]),
  server(1, 'never-ends', [end, '']),
  server(1, 'counter-outlives-request', [app, `${app}\nlet i = 1;`], [loop, '  for (; i <= 5; i++) {']),
  server(1, 'event-stream', [type, "  response.type('text/event-stream');"]),
  server(1, 'no-charset', [type, "  response.setHeader('Content-Type', 'text/plain');"]),
  server(1, 'no-content-type', [type, '']),
  server(1, 'answers-every-path', [stream, 'app.get(/^(?!\\/ping)/, async (_request, response) => {']),
  server(1, 'corks', [loop, `  response.cork();\n${loop}`], [end, '  response.uncork();\n  response.end();']),
  server(
    1,
    'compresses-without-flush',
    ['import { work }', "import { createGzip, createGunzip } from 'node:zlib';\nimport { work }"],
    [loop, `  const through = createGzip();\n  through.pipe(createGunzip()).pipe(response);\n${loop}`],
    [write, 'through.write(`Message ${i}\\n`);'],
    [end, '  through.end();'],
  ),
  server(
    1,
    'joins-in-a-pipeline',
    ['import { work }', "import { Readable } from 'node:stream';\nimport { work }"],
    [loop, `  async function* messages() {\n    let all = '';\n${loop}`],
    [write, 'all += `Message ${i}\\n`;'],
    [end, '    yield all;\n  }\n  Readable.from(messages()).pipe(response);'],
  ),

  server(1, 'uses-app-use', [stream, "app.use('/stream', async (_request, response) => {"]),
  server(1, 'answers-every-method', [stream, "app.all('/stream', async (_request, response) => {"]),
  server(1, 'answers-what-begins-alike', [stream, 'app.get(/^\\/stream/, async (_request, response) => {']),
  server(
    1,
    'remembers-the-work',
    [app, `${app}\nconst done = new Map<number, Promise<void>>();`],
    [work, 'done.set(i, done.get(i) ?? work(`message ${i}`));\n    await done.get(i);'],
  ),
  // It waits, but for something else.
  server(1, 'races-a-timer', [
    work,
    'await Promise.race([work(`message ${i}`), new Promise((done) => setTimeout(done, 100))]);',
  ]),
  server(1, 'sleeps-after-the-work', [work, `${work}\n    await new Promise((done) => setTimeout(done, 1000));`]),
  server(1, 'waits-for-the-first-only', [work, `if (i === 1) ${work}`]),
  server(
    1,
    'waits-for-all-the-work-first',
    [work, 'await new Promise(setImmediate);'],
    [loop, '  for (let i = 1; i <= 5; i++) await work(`message ${i}`);\n  for (let i = 1; i <= 5; i++) {'],
  ),

  // Task 2: everybody else is served meanwhile.
  // The grader holds the program at its work, and these are busy when it does not look.
  server(2, 'busy-after-the-work', [work, `${work}\n    const end = Date.now() + 300;\n    while (Date.now() < end);`]),
  server(2, 'sleeps-after-the-write', [
    write,
    `${write}\n    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);`,
  ]),
  server(2, 'busy-at-one-message', busy, [
    work,
    `${work}\n    const began = process.cpuUsage();\n    while (i === 3 && used(began) < 300);`,
  ]),
  server(2, 'busy-before-the-first-message', busy, [
    type,
    `${type}\n  const began = process.cpuUsage();\n  while (used(began) < 300);`,
  ]),
  server(2, 'busy-after-the-end', busy, [
    end,
    `${end}\n  const began = process.cpuUsage();\n  while (used(began) < 300);`,
  ]),
  server(2, 'no-ping', [ping, '']),
  server(2, 'ping-without-content', [pong, '  response.status(204).end();']),
  server(2, 'ping-never-ends', [pong, "  response.type('text/plain').write('pong');"]),
  server(
    2,
    'ping-waits-for-the-stream',
    [app, `${app}\nlet busy = Promise.resolve();`],
    [type, `  let free = () => {};\n  busy = new Promise((resolve) => (free = resolve));\n${type}`],
    [end, `${end}\n  free();`],
    [ping, `app.get('/ping', async (_request, response) => {\n  await busy;\n${pong}\n});`],
  ),
  server(
    2,
    'ping-refused-while-streaming',
    [app, `${app}\nlet busy = false;`],
    [type, `  busy = true;\n${type}`],
    [end, `${end}\n  busy = false;`],
    [pong, `  if (busy) return response.status(503).send('busy');\n${pong}`],
  ),
  // The callback of a write comes without a turn of the event loop: messages go out, and nothing comes in.
  server(
    2,
    'busy-between-writes',
    [work, 'const end = Date.now() + 30;\n    while (Date.now() < end);'],
    [write, 'await new Promise((done) => response.write(`Message ${i}\\n`, done));'],
  ),
  server(
    2,
    'sync-child-between-writes',
    ['import { work }', "import { execFileSync } from 'node:child_process';\nimport { work }"],
    [work, "execFileSync(process.execPath, ['-e', 'setTimeout(() => {}, 30)']);"],
    [write, 'await new Promise((done) => response.write(`Message ${i}\\n`, done));'],
  ),
  server(
    2,
    'one-stream-after-the-other',
    [app, `${app}\nlet last = Promise.resolve();`],
    [
      type,
      `  const before = last;\n  let free = () => {};\n  last = new Promise((resolve) => (free = resolve));\n  await before;\n${type}`,
    ],
    [end, `${end}\n  free();`],
  ),
  server(
    2,
    'one-stream-at-a-time',
    [app, `${app}\nlet busy = false;`],
    [type, `  if (busy) return response.status(429).send('one at a time');\n  busy = true;\n${type}`],
    [end, `${end}\n  busy = false;`],
  ),
  server(
    2,
    'one-response-for-all',
    [app, `${app}\nlet current: express.Response;`],
    [type, `  current = response;\n${type}`],
    [write, 'current.write(`Message ${i}\\n`);'],
    [end, '  current.end();'],
  ),
  server(2, 'one-counter-for-all', [app, `${app}\nlet i = 1;`], [loop, '  for (i = 1; i <= 5; i++) {']),
  server(
    2,
    'sends-to-everybody',
    [app, `${app}\nconst clients = new Set<express.Response>();`],
    [type, `  clients.add(response);\n${type}`],
    [write, 'for (const client of clients) client.write(`Message ${i}\\n`);'],
    [end, `  clients.delete(response);\n${end}`],
  ),
  // Each client has a counter of its own, and gets a message whenever any work is done.
  server(
    2,
    'one-message-for-any-work',
    [app, `${app}\nconst streams = new Map<express.Response, number>();`],
    [loop, '  streams.set(response, 0);\n  for (let i = 1; streams.has(response); i++) {'],
    [
      write,
      'for (const [each, sent] of streams) {\n      each.write(`Message ${sent + 1}\\n`);\n      streams.set(each, sent + 1);\n      if (sent < 4) continue;\n      streams.delete(each);\n      each.end();\n    }',
    ],
    [end, ''],
  ),
  server(
    2,
    'one-timer-for-all',
    [
      app,
      `${app}\nlet tick: Promise<void> | undefined;\nconst nextTick = () => (tick ??= work('the next tick').finally(() => (tick = undefined)));`,
    ],
    [work, 'await nextTick();'],
  ),
  server(
    2,
    'all-work-at-once',
    [loop, `  await Promise.all([1, 2, 3, 4, 5].map(async (i) => {`],
    [`${write}\n  }`, `${write}\n  }));`],
  ),

  // Task 3: the client prints each line as it arrives.
  client(3, 'waits-for-the-text', [read, 'for (const piece of [Buffer.from(await response.text())]) {']),
  client(
    3,
    'prints-at-the-end',
    ["let unfinished = '';", "let unfinished = '';\n  const all: string[] = [];"],
    [print, 'all.push(...lines);'],
    [rest, `for (const line of all) console.log(line);\n  ${rest}`],
  ),
  client(3, 'decodes-each-chunk-alone', [decode, 'unfinished += String(piece);']),
  client(3, 'decodes-without-stream', [decode, 'unfinished += decoder.decode(piece as Buffer);']),
  client(
    3,
    'writes-chunks-as-they-are',
    [decode, 'process.stdout.write(decoder.decode(piece as Buffer, { stream: true }));'],
    [`    ${split}\n${keep}    ${print}\n`, ''],
  ),
  client(3, 'prints-what-is-unfinished', [keep, "    unfinished = '';\n"]),
  client(3, 'forgets-what-is-unfinished', [decode, 'unfinished = decoder.decode(piece as Buffer, { stream: true });']),
  client(3, 'prints-one-line-of-a-chunk', [print, 'if (lines.length > 0) console.log(lines[0]);']),
  client(3, 'stops-after-one-piece', [print, `${print}\n    break;`]),
  client(3, 'joins-the-lines-of-a-piece', [print, "console.log(lines.join('\\n'));"]),
  client(3, 'leaves-carriage-returns', [split, "const lines = unfinished.split('\\n');"]),
  client(3, 'trims-lines', [print, 'for (const line of lines) console.log(line.trim());']),
  client(3, 'drops-empty-lines', [print, 'for (const line of lines) if (line) console.log(line);']),
  client(3, 'prints-an-empty-last-line', [rest, 'console.log(unfinished);']),
  client(3, 'loses-the-last-line', [rest, '']),
  client(3, 'loses-a-last-line-of-white-space', [rest, 'if (unfinished.trim()) console.log(unfinished);']),
  client(3, 'trims-the-last-line', [rest, 'if (unfinished) console.log(unfinished.trim());']),
  client(3, 'drops-half-a-character', [flush, '']),
  client(3, 'flushes-too-late', [flush, ''], [rest, `${rest}\n${flush}`]),
  client(
    3,
    'half-a-character-as-a-line-of-its-own',
    [flush, ''],
    [rest, `${rest}\n  const end = decoder.decode();\n  if (end) console.log(end);`],
  ),
  client(
    3,
    'writes-half-a-character-after-the-line-break',
    [flush, ''],
    [rest, `${rest}\n  process.stdout.write(decoder.decode());`],
  ),
  client(
    3,
    'decodes-the-rest-only-after-text',
    [flush, ''],
    [rest, 'if (unfinished) console.log(unfinished + decoder.decode());'],
  ),
  client(3, 'fatal-decoder', ['new TextDecoder()', "new TextDecoder('utf-8', { fatal: true })"]),
  client(3, 'forgets-the-line-when-it-flushes', [flush, '  unfinished = decoder.decode() || unfinished;\n']),
  client(
    3,
    'replaces-line-breaks-in-each-piece',
    [decode, "unfinished += decoder.decode(piece as Buffer, { stream: true }).replaceAll('\\r\\n', '\\n');"],
    [split, "const lines = unfinished.split('\\n');"],
  ),
  client(3, 'stays-alive', [rest, `${rest}\n  setInterval(() => {}, 1000);`]),
  client(3, 'fails-at-the-end', [rest, `${rest}\n  process.exit(1);`]),
  client(3, 'ignores-the-status', [ok, 'if (!response.body) {']),
  client(3, 'looks-only-for-404', [ok, 'if (response.status === 404 || !response.body) {']),
  client(3, 'looks-only-for-500', [ok, 'if (response.status === 500 || !response.body) {']),
  client(3, 'looks-only-from-400-on', [ok, 'if (response.status >= 400 || !response.body) {']),
  client(3, 'error-without-the-status', ['${response.status} ${response.statusText}', 'with an error']),
  client(3, 'error-in-two-lines', [complain, `  console.error('it failed');\n${complain}`]),
  client(
    3,
    'prints-the-rest-after-a-break',
    ['try {\n  const response', "let unfinished = '';\ntry {\n  const response"],
    ["  let unfinished = '';\n  for", '  for'],
    [complain, `  if (unfinished) console.log(unfinished);\n${complain}`],
  ),
  client(3, 'error-on-standard-output', [complain, complain.replace('error(`', 'log(`')]),
  client(3, 'error-with-its-stack', [complain, '  console.error(error);\n']),
  client(3, 'exits-with-zero', [exit, '']),
  client(3, 'exits-with-two', [exit, '  process.exitCode = 2;\n']),
  client(3, 'says-nothing', [complain, '']),
  client(3, 'refusal-not-caught', [
    'try {\n  const response = await fetch(url);',
    'const response = await fetch(url);\ntry {',
  ]),
  client(3, 'break-off-taken-for-the-end', [
    `${complain}`,
    `  if (/premature/i.test((error as Error).message)) process.exit(0);\n${complain}`,
  ]),
  client(3, 'break-off-not-caught', [
    `${complain}`,
    `  if (/premature/i.test((error as Error).message)) throw error;\n${complain}`,
  ]),
];
