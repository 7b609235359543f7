import type { Mistake } from '../proof/mistake.ts';

const work = 'await work(`message ${i}`);';
const write = 'response.write(`Message ${i}\\n`);';
const end = '  response.end();';
const loop = '  for (let i = 1; i <= 5; i++) {';
const type = "  response.type('text/plain');";
const app = 'const app = express();';
const stream = "app.get('/stream', async (_request, response) => {";
const pong = "  response.type('text/plain').send('pong');";
const ping = `app.get('/ping', (_request, response) => {\n${pong}\n});`;

const read = 'for await (const chunk of response.body) {';
const decode = 'unfinished += decoder.decode(chunk as Buffer, { stream: true });';
const split = 'const lines = unfinished.split(/\\r?\\n/);';
const keep = '    unfinished = lines.pop()!;\n';
const print = 'for (const line of lines) console.log(line);';
const rest = 'if (unfinished) console.log(unfinished);';
const complain = '  console.error(`${url}: ${(error as Error).message}`);\n';
const exit = '  process.exitCode = 1;\n';
const ok = 'if (!response.ok || !response.body) {';

/** Task 1: the server sends each message as it is ready. */
const sending: Omit<Mistake, 'task' | 'file'>[] = [
  {
    name: 'collects-everything',
    edits: [
      [loop, `  let body = '';\n${loop}`],
      [write, 'body += `Message ${i}\\n`;'],
      [end, '  response.end(body);'],
    ],
  },
  { name: 'forgets-await', edits: [[work, 'work(`message ${i}`);']] },
  {
    name: 'busy-wait',
    edits: [[work, 'const end = Date.now() + 50;\n    while (Date.now() < end);']],
  },
  {
    name: 'sleeps-in-sync',
    edits: [[work, 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);']],
  },
  {
    name: 'timers-all-at-once',
    edits: [
      [work, ''],
      [write, 'setTimeout(() => response.write(`Message ${i}\\n`), 300);'],
      [end, '  setTimeout(() => response.end(), 310);'],
    ],
  },
  { name: 'writes-before-the-work', edits: [[work, write], [`${write}\n  }`, `${work}\n  }`]] },
  { name: 'content-length', edits: [[type, `${type}\n  response.set('Content-Length', '50');`]] },
  { name: 'two-spaces', edits: [[write, 'response.write(`Message  ${i}\\n`);']] },
  { name: 'six-messages', edits: [[loop, '  for (let i = 1; i <= 6; i++) {']] },
  { name: 'no-line-break', edits: [[write, 'response.write(`Message ${i}`);']] },
  { name: 'empty-line-between', edits: [[write, 'response.write(`Message ${i}\\n\\n`);']] },
  { name: 'greets-first', edits: [[loop, `  response.write('Here they come\\n');\n${loop}`]] },
  {
    name: 'two-writes',
    edits: [[write, "response.write(`Message ${i}`);\n    response.write('\\n');"]],
  },
  { name: 'never-ends', edits: [[end, '']] },
  {
    name: 'counter-outlives-request',
    edits: [
      [app, `${app}\nlet i = 1;`],
      [loop, '  for (; i <= 5; i++) {'],
    ],
  },
  { name: 'event-stream', edits: [[type, "  response.type('text/event-stream');"]] },
  { name: 'no-charset', edits: [[type, "  response.setHeader('Content-Type', 'text/plain');"]] },
  { name: 'no-content-type', edits: [[type, '']] },
  { name: 'answers-every-path', edits: [[stream, 'app.get(/^(?!\\/ping)/, async (_request, response) => {']] },
  {
    name: 'corks',
    edits: [
      [loop, `  response.cork();\n${loop}`],
      [end, '  response.uncork();\n  response.end();'],
    ],
  },
  {
    name: 'compresses-without-flush',
    edits: [
      ["import { work }", "import { createGzip, createGunzip } from 'node:zlib';\nimport { work }"],
      [loop, `  const through = createGzip();\n  through.pipe(createGunzip()).pipe(response);\n${loop}`],
      [write, 'through.write(`Message ${i}\\n`);'],
      [end, '  through.end();'],
    ],
  },
  {
    name: 'joins-in-a-pipeline',
    edits: [
      ["import { work }", "import { Readable } from 'node:stream';\nimport { work }"],
      [loop, `  async function* messages() {\n    let all = '';\n${loop}`],
      [write, 'all += `Message ${i}\\n`;'],
      [end, '    yield all;\n  }\n  Readable.from(messages()).pipe(response);'],
    ],
  },
];

/** Task 2: everybody else is served meanwhile. */
const serving: Omit<Mistake, 'task' | 'file'>[] = [
  { name: 'no-ping', edits: [[ping, '']] },
  { name: 'ping-without-content', edits: [[pong, '  response.status(204).end();']] },
  { name: 'ping-never-ends', edits: [[pong, "  response.type('text/plain').write('pong');"]] },
  {
    name: 'ping-waits-for-the-stream',
    edits: [
      [app, `${app}\nlet busy = Promise.resolve();`],
      [type, `  let free = () => {};\n  busy = new Promise((resolve) => (free = resolve));\n${type}`],
      [end, `${end}\n  free();`],
      [ping, `app.get('/ping', async (_request, response) => {\n  await busy;\n${pong}\n});`],
    ],
  },
  {
    name: 'ping-refused-while-streaming',
    edits: [
      [app, `${app}\nlet busy = false;`],
      [type, `  busy = true;\n${type}`],
      [end, `${end}\n  busy = false;`],
      [pong, `  if (busy) return response.status(503).send('busy');\n${pong}`],
    ],
  },
  // The callback of a write comes without a turn of the event loop: messages go out, and nothing comes in.
  {
    name: 'busy-between-writes',
    edits: [
      [work, 'const end = Date.now() + 30;\n    while (Date.now() < end);'],
      [write, 'await new Promise((done) => response.write(`Message ${i}\\n`, done));'],
    ],
  },
  {
    name: 'sync-child-between-writes',
    edits: [
      ["import { work }", "import { execFileSync } from 'node:child_process';\nimport { work }"],
      [work, "execFileSync(process.execPath, ['-e', 'setTimeout(() => {}, 30)']);"],
      [write, 'await new Promise((done) => response.write(`Message ${i}\\n`, done));'],
    ],
  },
  {
    name: 'one-stream-after-the-other',
    edits: [
      [app, `${app}\nlet last = Promise.resolve();`],
      [type, `  const before = last;\n  let free = () => {};\n  last = new Promise((resolve) => (free = resolve));\n  await before;\n${type}`],
      [end, `${end}\n  free();`],
    ],
  },
  {
    name: 'one-stream-at-a-time',
    edits: [
      [app, `${app}\nlet busy = false;`],
      [type, `  if (busy) return response.status(429).send('one at a time');\n  busy = true;\n${type}`],
      [end, `${end}\n  busy = false;`],
    ],
  },
  {
    name: 'one-response-for-all',
    edits: [
      [app, `${app}\nlet current: express.Response;`],
      [type, `  current = response;\n${type}`],
      [write, 'current.write(`Message ${i}\\n`);'],
      [end, '  current.end();'],
    ],
  },
  {
    name: 'one-counter-for-all',
    edits: [
      [app, `${app}\nlet i = 1;`],
      [loop, '  for (i = 1; i <= 5; i++) {'],
    ],
  },
  {
    name: 'sends-to-everybody',
    edits: [
      [app, `${app}\nconst clients = new Set<express.Response>();`],
      [type, `  clients.add(response);\n${type}`],
      [write, 'for (const client of clients) client.write(`Message ${i}\\n`);'],
      [end, `  clients.delete(response);\n${end}`],
    ],
  },
  {
    name: 'all-work-at-once',
    edits: [
      [loop, `  await Promise.all([1, 2, 3, 4, 5].map(async (i) => {`],
      [`${write}\n  }`, `${write}\n  }));`],
    ],
  },
];

/** Task 3: the client prints each line as it arrives. */
const printing: Omit<Mistake, 'task' | 'file'>[] = [
  { name: 'waits-for-the-text', edits: [[read, 'for (const chunk of [Buffer.from(await response.text())]) {']] },
  {
    name: 'prints-at-the-end',
    edits: [
      ["let unfinished = '';", "let unfinished = '';\n  const all: string[] = [];"],
      [print, 'all.push(...lines);'],
      [rest, `for (const line of all) console.log(line);\n  ${rest}`],
    ],
  },
  { name: 'decodes-each-chunk-alone', edits: [[decode, 'unfinished += String(chunk);']] },
  { name: 'decodes-without-stream', edits: [[decode, 'unfinished += decoder.decode(chunk as Buffer);']] },
  {
    name: 'writes-chunks-as-they-are',
    edits: [
      [decode, 'process.stdout.write(decoder.decode(chunk as Buffer, { stream: true }));'],
      [`    ${split}\n${keep}    ${print}\n`, ''],
    ],
  },
  { name: 'prints-what-is-unfinished', edits: [[keep, "    unfinished = '';\n"]] },
  { name: 'forgets-what-is-unfinished', edits: [[decode, 'unfinished = decoder.decode(chunk as Buffer, { stream: true });']] },
  { name: 'prints-one-line-of-a-chunk', edits: [[print, 'if (lines.length > 0) console.log(lines[0]);']] },
  { name: 'leaves-carriage-returns', edits: [[split, "const lines = unfinished.split('\\n');"]] },
  { name: 'trims-lines', edits: [[print, 'for (const line of lines) console.log(line.trim());']] },
  { name: 'drops-empty-lines', edits: [[print, 'for (const line of lines) if (line) console.log(line);']] },
  { name: 'prints-an-empty-last-line', edits: [[rest, 'console.log(unfinished);']] },
  { name: 'loses-the-last-line', edits: [[rest, '']] },
  { name: 'stays-alive', edits: [[rest, `${rest}\n  setInterval(() => {}, 1000);`]] },
  { name: 'fails-at-the-end', edits: [[rest, `${rest}\n  process.exit(1);`]] },
  { name: 'ignores-the-status', edits: [[ok, 'if (!response.body) {']] },
  { name: 'error-on-standard-output', edits: [[complain, complain.replace('error(`', 'log(`')]] },
  { name: 'error-with-its-stack', edits: [[complain, '  console.error(error);\n']] },
  { name: 'exits-with-zero', edits: [[exit, '']] },
  { name: 'says-nothing', edits: [[complain, '']] },
  {
    name: 'refusal-not-caught',
    edits: [
      ['try {\n  const response = await fetch(url);', 'const response = await fetch(url);\ntry {'],
    ],
  },
  {
    name: 'break-off-taken-for-the-end',
    edits: [
      [`${complain}`, `  if (/premature/i.test((error as Error).message)) process.exit(0);\n${complain}`],
    ],
  },
  {
    name: 'break-off-not-caught',
    edits: [[`${complain}`, `  if (/premature/i.test((error as Error).message)) throw error;\n${complain}`]],
  },
];

export const mistakes: Mistake[] = [
  ...sending.map((mistake) => ({ ...mistake, task: 1, file: 'server.ts' as const })),
  ...serving.map((mistake) => ({ ...mistake, task: 2, file: 'server.ts' as const })),
  ...printing.map((mistake) => ({ ...mistake, task: 3, file: 'client.ts' as const })),
];
