import type { Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const sendsLines = '  pipeline(lines(), response, report);\n';
const asLine = '  for await (const row of rows()) yield `${JSON.stringify(row)}\\n`;\n';
const declaresApp = 'const app = express();\n';
const importsPipeline = "import { pipeline } from 'node:stream';\n";
const pathOf = 'const path = join(folder, request.params.name);';
const opensFile = 'const file = dirname(path) === folder ? await open(path).catch(() => undefined) : undefined;';
const refuses = `  if (!file || !stats?.isFile()) {
    await file?.close();
    response.status(404).json({ error: 'There is no such file.' });
    return;
  }
`;
const saysNone = "response.status(404).json({ error: 'There is no such file.' });";
const head = "  response.set({ 'Content-Type': 'application/octet-stream', 'Content-Length': String(stats.size) });\n";
const sendsFile = '  pipeline(file.createReadStream(), response, report);\n';

/** A loop in the place of the pipeline. */
const loop = (body: string, after = '    response.end();\n') => `  void (async () => {\n${body}${after}  })();\n`;
const eachLine = (body: string) => `    for await (const line of lines()) {\n      ${body}\n    }\n`;
const once = `${importsPipeline}import { once } from 'node:events';\n`;

/** Lines of the finished client. */
const savesBody = '  await pipeline(response.body, createWriteStream(unfinished));\n';
const renames = '  await rename(unfinished, file);\n';
const removes = '  await rm(unfinished, { force: true });\n';

export const mistakes: Mistake[] = [
  {
    name: 'ignores-what-write-returns',
    task: 1,
    file: 'server.ts',
    edits: [[sendsLines, loop(eachLine('response.write(line);'))]],
  },
  {
    name: 'collects-all-rows',
    task: 1,
    file: 'server.ts',
    edits: [[sendsLines, loop("    let text = '';\n    for await (const line of lines()) text += line;\n", '    response.end(text);\n')]],
  },
  {
    name: 'writes-on-data',
    task: 1,
    file: 'server.ts',
    edits: [
      [sendsLines, "  const stream = Readable.from(lines());\n  stream.on('data', (line) => response.write(line));\n  stream.on('end', () => response.end());\n"],
      [importsPipeline, "import { pipeline, Readable } from 'node:stream';\n"],
    ],
  },
  {
    name: 'sleeps-when-full',
    task: 1,
    file: 'server.ts',
    edits: [[sendsLines, loop(eachLine('if (!response.write(line)) await new Promise((resolve) => setTimeout(resolve, 1));'))]],
  },
  {
    name: 'a-large-buffer-between',
    task: 1,
    file: 'server.ts',
    edits: [
      [sendsLines, '  pipeline(lines(), new PassThrough({ highWaterMark: 1024 ** 3 }), response, report);\n'],
      [importsPipeline, "import { PassThrough, pipeline } from 'node:stream';\n"],
    ],
  },
  {
    name: 'writes-again-what-was-taken',
    task: 1,
    file: 'server.ts',
    edits: [
      [sendsLines, loop(eachLine("while (!response.write(line)) await once(response, 'drain');"))],
      [importsPipeline, once],
    ],
  },
  {
    name: 'skips-a-row-when-full',
    task: 1,
    file: 'server.ts',
    edits: [
      [sendsLines, loop(eachLine("if (response.writableNeedDrain) await once(response, 'drain');\n      else response.write(line);"))],
      [importsPipeline, once],
    ],
  },
  {
    name: 'ends-when-full',
    task: 1,
    file: 'server.ts',
    edits: [[sendsLines, loop(eachLine('if (!response.write(line)) break;'))]],
  },
  {
    name: 'waits-for-the-wrong-event',
    task: 1,
    file: 'server.ts',
    edits: [
      [sendsLines, loop(eachLine("if (!response.write(line)) await once(response, 'finish');"))],
      [importsPipeline, once],
    ],
  },
  {
    name: 'one-generator-for-all',
    task: 1,
    file: 'server.ts',
    edits: [
      [declaresApp, `${declaresApp}const table = rows();\n`],
      [asLine, '  for (let next = await table.next(); !next.done; next = await table.next()) yield `${JSON.stringify(next.value)}\\n`;\n'],
    ],
  },
  {
    name: 'one-reader-at-a-time',
    task: 1,
    file: 'server.ts',
    edits: [
      [declaresApp, `${declaresApp}let before = Promise.resolve();\n`],
      [sendsLines, "  before = before.then(() => new Promise((resolve) => pipeline(lines(), response, () => resolve())));\n"],
    ],
  },
  {
    name: 'an-array-in-json',
    task: 1,
    file: 'server.ts',
    edits: [[asLine, "  yield '[';\n  for await (const row of rows()) yield `${JSON.stringify(row)},\\n`;\n  yield 'null]';\n"]],
  },
  {
    name: 'sends-objects',
    task: 1,
    file: 'server.ts',
    edits: [[sendsLines, '  pipeline(rows(), response, report);\n']],
  },
  {
    name: 'rows-without-line-breaks',
    task: 1,
    file: 'server.ts',
    edits: [['yield `${JSON.stringify(row)}\\n`', 'yield JSON.stringify(row)']],
  },
  {
    name: 'content-type-json',
    task: 1,
    file: 'server.ts',
    edits: [["'application/x-ndjson'", "'application/json'"]],
  },
  {
    name: 'forgets-the-last-batch',
    task: 1,
    file: 'server.ts',
    edits: [
      [
        asLine,
        "  let batch: string[] = [];\n  for await (const row of rows()) {\n    batch.push(`${JSON.stringify(row)}\\n`);\n    if (batch.length < 64) continue;\n    yield batch.join('');\n    batch = [];\n  }\n",
      ],
    ],
  },
  {
    name: 'never-ends',
    task: 1,
    file: 'server.ts',
    edits: [
      [sendsLines, loop(eachLine("if (!response.write(line)) await once(response, 'drain');"), '')],
      [importsPipeline, once],
    ],
  },

  {
    name: 'reads-the-whole-file',
    task: 2,
    file: 'server.ts',
    edits: [[sendsFile, '  response.end(await file.readFile());\n']],
  },
  {
    name: 'reads-on-without-the-reader',
    task: 2,
    file: 'server.ts',
    edits: [[sendsFile, "  file.createReadStream().on('data', (chunk) => response.write(chunk)).on('end', () => response.end());\n"]],
  },
  {
    name: 'no-content-length',
    task: 2,
    file: 'server.ts',
    edits: [[", 'Content-Length': String(stats.size)", '']],
  },
  {
    name: 'sends-text',
    task: 2,
    file: 'server.ts',
    edits: [[sendsFile, "  response.end(await file.readFile('latin1'));\n"]],
  },
  {
    name: 'type-by-the-ending',
    task: 2,
    file: 'server.ts',
    edits: [[head, ''], [sendsFile, '  response.sendFile(path);\n']],
  },
  {
    name: 'takes-any-path',
    task: 2,
    file: 'server.ts',
    edits: [['dirname(path) === folder ? await open(path).catch(() => undefined) : undefined', 'await open(path).catch(() => undefined)']],
  },
  {
    name: 'mends-the-path',
    task: 2,
    file: 'server.ts',
    edits: [
      [pathOf, "const path = join(folder, request.params.name.replaceAll('../', ''));"],
      ['dirname(path) === folder ? await open(path).catch(() => undefined) : undefined', 'await open(path).catch(() => undefined)'],
    ],
  },
  {
    name: 'takes-the-last-part',
    task: 2,
    file: 'server.ts',
    edits: [
      [pathOf, 'const path = join(folder, basename(request.params.name));'],
      ['import { dirname, join', 'import { basename, dirname, join'],
    ],
  },
  {
    name: 'begins-like-the-folder',
    task: 2,
    file: 'server.ts',
    edits: [['dirname(path) === folder ?', 'path.startsWith(folder) ?']],
  },
  {
    name: 'resolves-absolute-paths',
    task: 2,
    file: 'server.ts',
    edits: [
      [pathOf, 'const path = resolve(folder, request.params.name);'],
      ['dirname(path) === folder ?', "!request.params.name.startsWith('..') && !request.params.name.includes('/../') ?"],
    ],
  },
  {
    name: 'decodes-twice',
    task: 2,
    file: 'server.ts',
    edits: [[pathOf, 'const path = join(folder, decodeURIComponent(request.params.name));']],
  },
  {
    name: 'refuses-two-dots',
    task: 2,
    file: 'server.ts',
    edits: [['dirname(path) === folder ?', "!request.params.name.includes('..') && dirname(path) === folder ?"]],
  },
  {
    name: 'answers-forbidden',
    task: 2,
    file: 'server.ts',
    edits: [[opensFile, `if (dirname(path) !== folder) return void response.status(403).send('That is not yours.');\n  ${opensFile}`]],
  },
  {
    name: 'opens-before-it-looks',
    task: 2,
    file: 'server.ts',
    edits: [
      ['dirname(path) === folder ? await open(path).catch(() => undefined) : undefined', 'await open(path).catch(() => undefined)'],
      ['!stats?.isFile()', '!stats?.isFile() || dirname(path) !== folder'],
    ],
  },
  {
    name: 'takes-a-folder-for-a-file',
    task: 2,
    file: 'server.ts',
    edits: [['!stats?.isFile()', '!stats']],
  },
  {
    name: 'forgives-enoent-only',
    task: 2,
    file: 'server.ts',
    edits: [[opensFile, opensFile.replace('() => undefined)', "(error) => {\n    if (error.code !== 'ENOENT') throw error;\n  })")]],
  },
  {
    name: 'throws-on-a-missing-file',
    task: 2,
    file: 'server.ts',
    edits: [['await open(path).catch(() => undefined)', 'await open(path)']],
  },
  {
    name: 'head-before-the-file',
    task: 2,
    file: 'server.ts',
    edits: [
      [opensFile, ''],
      ['const stats = await file?.stat();', 'const stats = dirname(path) === folder ? await stat(path).catch(() => ({ size: 0, isFile: () => true })) : undefined;'],
      ['if (!file || !stats?.isFile()) {\n    await file?.close();', 'if (!stats?.isFile()) {'],
      [sendsFile, '  createReadStream(path).pipe(response);\n'],
      ["import { open } from 'node:fs/promises';", "import { createReadStream } from 'node:fs';\nimport { stat } from 'node:fs/promises';"],
    ],
  },
  {
    name: 'leaves-it-to-express',
    task: 2,
    file: 'server.ts',
    edits: [['(request, response) => {\n  const path', '(request, response, next) => {\n  const path'], [saysNone, 'next();']],
  },
  {
    name: 'tells-the-path',
    task: 2,
    file: 'server.ts',
    edits: [[saysNone, 'response.status(404).json({ error: `There is no file ${path}.` });']],
  },
  {
    name: 'remembers-sizes',
    task: 2,
    file: 'server.ts',
    edits: [
      [declaresApp, `${declaresApp}const sizes = new Map<string, number>();\n`],
      [head, `  if (!sizes.has(path)) sizes.set(path, stats.size);\n${head.replace('stats.size', 'sizes.get(path)')}`],
    ],
  },

  {
    name: 'keeps-the-body-in-memory',
    task: 3,
    file: 'client.ts',
    edits: [[savesBody, '  await writeFile(unfinished, Buffer.from(await response.arrayBuffer()));\n'], ['rename, rm }', 'rename, rm, writeFile }']],
  },
  {
    name: 'does-not-wait-for-the-disk',
    task: 3,
    file: 'client.ts',
    edits: [
      [
        savesBody,
        '  const out = createWriteStream(unfinished);\n  for await (const chunk of response.body) out.write(chunk);\n  await new Promise<void>((resolve) => out.end(resolve));\n',
      ],
    ],
  },
  {
    name: 'writes-at-once',
    task: 3,
    file: 'client.ts',
    edits: [
      [
        savesBody,
        '  const out = await open(unfinished, "w");\n  const writes: Promise<unknown>[] = [];\n  for await (const chunk of response.body) writes.push(out.write(chunk as Buffer));\n  await Promise.all(writes);\n  await out.close();\n',
      ],
      ['rename, rm }', 'open, rename, rm }'],
    ],
  },
  {
    name: 'writes-under-the-real-name',
    task: 3,
    file: 'client.ts',
    edits: [[savesBody, '  await pipeline(response.body, createWriteStream(file));\n'], [renames, '']],
  },
  {
    name: 'removes-the-old-one-first',
    task: 3,
    file: 'client.ts',
    edits: [[savesBody, `  await rm(file, { force: true });\n${savesBody}`]],
  },
  {
    name: 'another-folder',
    task: 3,
    file: 'client.ts',
    edits: [
      ['const unfinished = `${file}.part`;', "const unfinished = join(tmpdir(), `${process.pid}.part`);"],
      ["import { createWriteStream } from 'node:fs';", "import { createWriteStream } from 'node:fs';\nimport { tmpdir } from 'node:os';\nimport { join } from 'node:path';"],
    ],
  },
  {
    name: 'copies-to-the-real-name',
    task: 3,
    file: 'client.ts',
    edits: [[renames, '  await copyFile(unfinished, file);\n'], ['rename, rm }', 'copyFile, rm }']],
  },
  {
    name: 'bytes-as-text',
    task: 3,
    file: 'client.ts',
    edits: [[savesBody, "  response.body.setEncoding('utf8');\n".replace('response.body.', '(response.body as NodeJS.ReadableStream).') + savesBody]],
  },
  {
    name: 'ignores-the-status',
    task: 3,
    file: 'client.ts',
    edits: [['!response.ok || !response.body', '!response.body']],
  },
  {
    name: 'leaves-the-half-file',
    task: 3,
    file: 'client.ts',
    edits: [[removes, '']],
  },
  {
    name: 'renames-what-has-come',
    task: 3,
    file: 'client.ts',
    edits: [[savesBody, savesBody.replace('  await pipeline', '  try {\n    await pipeline')], [renames, `  } finally {\n  ${renames}  }\n`]],
  },
  {
    name: 'removes-the-old-one-on-errors',
    task: 3,
    file: 'client.ts',
    edits: [[removes, `${removes}  await rm(file, { force: true });\n`]],
  },
  {
    name: 'waits-for-finish-only',
    task: 3,
    file: 'client.ts',
    edits: [[savesBody, "  const out = createWriteStream(unfinished);\n  response.body.pipe(out);\n  await new Promise((resolve) => out.on('finish', resolve));\n"]],
  },
  {
    name: 'exits-with-0-on-errors',
    task: 3,
    file: 'client.ts',
    edits: [['  process.exitCode = 1;\n', '']],
  },
  {
    name: 'catches-no-error-of-the-disk',
    task: 3,
    file: 'client.ts',
    edits: [
      [
        savesBody,
        "  const out = createWriteStream(unfinished);\n  for await (const chunk of response.body) {\n    if (!out.write(chunk)) await new Promise((resolve) => out.once('drain', resolve));\n  }\n  await new Promise<void>((resolve) => out.end(resolve));\n",
      ],
    ],
  },
];
