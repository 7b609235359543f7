import { client, server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const sendsLines = '  pipeline(lines(), response, report);\n';
const asLine = '  for await (const row of rows()) yield `${JSON.stringify(row)}\\n`;\n';
const declaresApp = 'const app = express();\n';
const importsPipeline = "import { pipeline } from 'node:stream';\n";
const pathOf = 'const path = join(folder, request.params.name);';
const opensFile = 'const file = dirname(path) === folder ? await open(path).catch(() => undefined) : undefined;';
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
  server(1, 'ignores-what-write-returns', [sendsLines, loop(eachLine('response.write(line);'))]),
  server(1, 'collects-all-rows', [
    sendsLines,
    loop("    let text = '';\n    for await (const line of lines()) text += line;\n", '    response.end(text);\n'),
  ]),
  server(
    1,
    'writes-on-data',
    [
      sendsLines,
      "  const stream = Readable.from(lines());\n  stream.on('data', (line) => response.write(line));\n  stream.on('end', () => response.end());\n",
    ],
    [importsPipeline, "import { pipeline, Readable } from 'node:stream';\n"],
  ),
  server(1, 'sleeps-when-full', [
    sendsLines,
    loop(eachLine('if (!response.write(line)) await new Promise((resolve) => setTimeout(resolve, 1));')),
  ]),
  server(
    1,
    'a-large-buffer-between',
    [sendsLines, '  pipeline(lines(), new PassThrough({ highWaterMark: 1024 ** 3 }), response, report);\n'],
    [importsPipeline, "import { PassThrough, pipeline } from 'node:stream';\n"],
  ),
  server(
    1,
    'writes-again-what-was-taken',
    [sendsLines, loop(eachLine("while (!response.write(line)) await once(response, 'drain');"))],
    [importsPipeline, once],
  ),
  server(
    1,
    'skips-a-row-when-full',
    [
      sendsLines,
      loop(
        eachLine("if (response.writableNeedDrain) await once(response, 'drain');\n      else response.write(line);"),
      ),
    ],
    [importsPipeline, once],
  ),
  server(1, 'ends-when-full', [sendsLines, loop(eachLine('if (!response.write(line)) break;'))]),
  server(
    1,
    'waits-for-the-wrong-event',
    [sendsLines, loop(eachLine("if (!response.write(line)) await once(response, 'finish');"))],
    [importsPipeline, once],
  ),
  server(
    1,
    'one-generator-for-all',
    [declaresApp, `${declaresApp}const table = rows();\n`],
    [
      asLine,
      '  for (let next = await table.next(); !next.done; next = await table.next()) yield `${JSON.stringify(next.value)}\\n`;\n',
    ],
  ),
  server(
    1,
    'one-reader-at-a-time',
    [declaresApp, `${declaresApp}let before = Promise.resolve();\n`],
    [
      sendsLines,
      '  before = before.then(() => new Promise((resolve) => pipeline(lines(), response, () => resolve())));\n',
    ],
  ),
  server(1, 'an-array-in-json', [
    asLine,
    "  yield '[';\n  for await (const row of rows()) yield `${JSON.stringify(row)},\\n`;\n  yield 'null]';\n",
  ]),
  server(1, 'sends-objects', [sendsLines, '  pipeline(rows(), response, report);\n']),
  server(1, 'rows-without-line-breaks', ['yield `${JSON.stringify(row)}\\n`', 'yield JSON.stringify(row)']),
  server(1, 'content-type-json', ["'application/x-ndjson'", "'application/json'"]),
  server(1, 'forgets-the-last-batch', [
    asLine,
    "  let batch: string[] = [];\n  for await (const row of rows()) {\n    batch.push(`${JSON.stringify(row)}\\n`);\n    if (batch.length < 64) continue;\n    yield batch.join('');\n    batch = [];\n  }\n",
  ]),
  server(
    1,
    'never-ends',
    [sendsLines, loop(eachLine("if (!response.write(line)) await once(response, 'drain');"), '')],
    [importsPipeline, once],
  ),

  server(2, 'reads-the-whole-file', [sendsFile, '  response.end(await file.readFile());\n']),
  server(2, 'reads-on-without-the-reader', [
    sendsFile,
    "  file.createReadStream().on('data', (chunk) => response.write(chunk)).on('end', () => response.end());\n",
  ]),
  server(2, 'no-content-length', [", 'Content-Length': String(stats.size)", '']),
  server(2, 'sends-text', [sendsFile, "  response.end(await file.readFile('latin1'));\n"]),
  server(2, 'type-by-the-ending', [head, ''], [sendsFile, '  response.sendFile(path);\n']),
  server(2, 'takes-any-path', [
    'dirname(path) === folder ? await open(path).catch(() => undefined) : undefined',
    'await open(path).catch(() => undefined)',
  ]),
  server(
    2,
    'mends-the-path',
    [pathOf, "const path = join(folder, request.params.name.replaceAll('../', ''));"],
    [
      'dirname(path) === folder ? await open(path).catch(() => undefined) : undefined',
      'await open(path).catch(() => undefined)',
    ],
  ),
  server(
    2,
    'takes-the-last-part',
    [pathOf, 'const path = join(folder, basename(request.params.name));'],
    ['import { dirname, join', 'import { basename, dirname, join'],
  ),
  server(2, 'begins-like-the-folder', ['dirname(path) === folder ?', 'path.startsWith(folder) ?']),
  server(
    2,
    'resolves-absolute-paths',
    [pathOf, 'const path = resolve(folder, request.params.name);'],
    ['dirname(path) === folder ?', "!request.params.name.startsWith('..') && !request.params.name.includes('/../') ?"],
  ),
  server(2, 'decodes-twice', [pathOf, 'const path = join(folder, decodeURIComponent(request.params.name));']),
  server(2, 'refuses-two-dots', [
    'dirname(path) === folder ?',
    "!request.params.name.includes('..') && dirname(path) === folder ?",
  ]),
  server(2, 'answers-forbidden', [
    opensFile,
    `if (dirname(path) !== folder) return void response.status(403).send('That is not yours.');\n  ${opensFile}`,
  ]),
  server(
    2,
    'opens-before-it-looks',
    [
      'dirname(path) === folder ? await open(path).catch(() => undefined) : undefined',
      'await open(path).catch(() => undefined)',
    ],
    ['!stats?.isFile()', '!stats?.isFile() || dirname(path) !== folder'],
  ),
  server(2, 'takes-a-folder-for-a-file', ['!stats?.isFile()', '!stats']),
  server(2, 'forgives-enoent-only', [
    opensFile,
    opensFile.replace('() => undefined)', "(error) => {\n    if (error.code !== 'ENOENT') throw error;\n  })"),
  ]),
  server(2, 'throws-on-a-missing-file', ['await open(path).catch(() => undefined)', 'await open(path)']),
  server(
    2,
    'head-before-the-file',
    [opensFile, ''],
    [
      'const stats = await file?.stat();',
      'const stats = dirname(path) === folder ? await stat(path).catch(() => ({ size: 0, isFile: () => true })) : undefined;',
    ],
    ['if (!file || !stats?.isFile()) {\n    await file?.close();', 'if (!stats?.isFile()) {'],
    [sendsFile, '  createReadStream(path).pipe(response);\n'],
    [
      "import { open } from 'node:fs/promises';",
      "import { createReadStream } from 'node:fs';\nimport { stat } from 'node:fs/promises';",
    ],
  ),
  server(
    2,
    'leaves-it-to-express',
    ['(request, response) => {\n  const path', '(request, response, next) => {\n  const path'],
    [saysNone, 'next();'],
  ),
  server(2, 'tells-the-path', [saysNone, 'response.status(404).json({ error: `There is no file ${path}.` });']),
  server(
    2,
    'remembers-sizes',
    [declaresApp, `${declaresApp}const sizes = new Map<string, number>();\n`],
    [head, `  if (!sizes.has(path)) sizes.set(path, stats.size);\n${head.replace('stats.size', 'sizes.get(path)')}`],
  ),

  client(
    3,
    'keeps-the-body-in-memory',
    [savesBody, '  await writeFile(unfinished, Buffer.from(await response.arrayBuffer()));\n'],
    ['rename, rm }', 'rename, rm, writeFile }'],
  ),
  client(3, 'does-not-wait-for-the-disk', [
    savesBody,
    '  const out = createWriteStream(unfinished);\n  for await (const chunk of response.body) out.write(chunk);\n  await new Promise<void>((resolve) => out.end(resolve));\n',
  ]),
  client(
    3,
    'writes-at-once',
    [
      savesBody,
      '  const out = await open(unfinished, "w");\n  const writes: Promise<unknown>[] = [];\n  for await (const chunk of response.body) writes.push(out.write(chunk as Buffer));\n  await Promise.all(writes);\n  await out.close();\n',
    ],
    ['rename, rm }', 'open, rename, rm }'],
  ),
  client(
    3,
    'writes-under-the-real-name',
    [savesBody, '  await pipeline(response.body, createWriteStream(file));\n'],
    [renames, ''],
  ),
  client(3, 'removes-the-old-one-first', [savesBody, `  await rm(file, { force: true });\n${savesBody}`]),
  client(
    3,
    'another-folder',
    ['const unfinished = `${file}.part`;', 'const unfinished = join(tmpdir(), `${process.pid}.part`);'],
    [
      "import { createWriteStream } from 'node:fs';",
      "import { createWriteStream } from 'node:fs';\nimport { tmpdir } from 'node:os';\nimport { join } from 'node:path';",
    ],
  ),
  client(
    3,
    'copies-to-the-real-name',
    [renames, '  await copyFile(unfinished, file);\n'],
    ['rename, rm }', 'copyFile, rm }'],
  ),
  client(3, 'bytes-as-text', [
    savesBody,
    "  response.body.setEncoding('utf8');\n".replace('response.body.', '(response.body as NodeJS.ReadableStream).') +
      savesBody,
  ]),
  client(3, 'ignores-the-status', ['!response.ok || !response.body', '!response.body']),
  client(3, 'leaves-the-half-file', [removes, '']),
  client(
    3,
    'renames-what-has-come',
    [savesBody, savesBody.replace('  await pipeline', '  try {\n    await pipeline')],
    [renames, `  } finally {\n  ${renames}  }\n`],
  ),
  client(3, 'removes-the-old-one-on-errors', [removes, `${removes}  await rm(file, { force: true });\n`]),
  client(3, 'waits-for-finish-only', [
    savesBody,
    "  const out = createWriteStream(unfinished);\n  response.body.pipe(out);\n  await new Promise((resolve) => out.on('finish', resolve));\n",
  ]),
  client(3, 'exits-with-0-on-errors', ['  process.exitCode = 1;\n', '']),
  client(3, 'catches-no-error-of-the-disk', [
    savesBody,
    "  const out = createWriteStream(unfinished);\n  for await (const chunk of response.body) {\n    if (!out.write(chunk)) await new Promise((resolve) => out.once('drain', resolve));\n  }\n  await new Promise<void>((resolve) => out.end(resolve));\n",
  ]),
];
