import { client, server, type Mistake, varying } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const sendsLines = '  await pipeline(lines(), response).catch(report);\n';
const asLine = '  for await (const row of rows()) yield `${JSON.stringify(row)}\\n`;\n';
const declaresApp = 'const app = express();\n';
const importsPipeline = "import { pipeline } from 'node:stream/promises';\n";
const pathOf = 'const path = join(folder, request.params.name);';
const opensFile = 'const file = dirname(path) === folder ? await open(path).catch(() => undefined) : undefined;';
const saysNone = "response.status(404).json({ error: 'There is no such file.' });";
const head = "  response.set({ 'Content-Type': 'application/octet-stream', 'Content-Length': String(stats.size) });\n";
const sendsFile = '  await pipeline(file.createReadStream(), response).catch(report);\n';

/** A loop in the place of the pipeline. */
const loop = (body: string, after = '    response.end();\n') => `  void (async () => {\n${body}${after}  })();\n`;
const eachLine = (body: string) => `    for await (const line of lines()) {\n      ${body}\n    }\n`;
const once = `${importsPipeline}import { once } from 'node:events';\n`;

/** Lines of the finished client. */
const namesUnfinished = 'const unfinished = `${file}.${process.pid}.part`;';
const importsPipelineInClient = "import { pipeline } from 'node:stream/promises';\n";
const makesRequest = '  const response = await fetch(url, { signal: stop.signal });\n';
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
    [importsPipeline, `${importsPipeline}import { Readable } from 'node:stream';\n`],
  ),
  server(1, 'sleeps-when-full', [
    sendsLines,
    loop(eachLine('if (!response.write(line)) await new Promise((resolve) => setTimeout(resolve, 1));')),
  ]),
  server(
    1,
    'a-large-buffer-between',
    [sendsLines, '  await pipeline(lines(), new PassThrough({ highWaterMark: 1024 ** 3 }), response).catch(report);\n'],
    [importsPipeline, `${importsPipeline}import { PassThrough } from 'node:stream';\n`],
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
  varying(
    server(1, 'pauses-when-full', [
      sendsLines,
      loop(eachLine('if (!response.write(line)) await new Promise((resolve) => setTimeout(resolve, 100));')),
    ]),
  ),
  server(1, 'pauses-for-seconds-when-full', [
    sendsLines,
    loop(eachLine('if (!response.write(line)) await new Promise((resolve) => setTimeout(resolve, 4000));')),
  ]),
  server(
    1,
    'waits-for-drain-no-longer-than-a-moment',
    [
      sendsLines,
      loop(
        eachLine(
          "if (!response.write(line)) await once(response, 'drain', { signal: AbortSignal.timeout(200) }).catch(() => {});",
        ),
      ),
    ],
    [importsPipeline, once],
  ),
  server(
    1,
    'waits-for-a-drain-that-never-comes',
    [sendsLines, loop(eachLine("if (!response.write(line)) await once(response, 'drain');"))],
    [importsPipeline, once],
  ),
  server(
    1,
    'ends-the-wait-but-not-the-loop',
    [
      sendsLines,
      loop(
        eachLine("if (!response.write(line)) await Promise.race([once(response, 'drain'), once(response, 'close')]);"),
      ),
    ],
    [importsPipeline, once],
  ),
  server(
    1,
    'pipes-and-forgets-the-source',
    [sendsLines, '  Readable.from(lines()).pipe(response);\n'],
    [importsPipeline, "import { Readable } from 'node:stream';\nimport { pipeline } from 'node:stream/promises';\n"],
  ),
  server(1, 'asks-again-and-again-whether-there-is-room', [
    sendsLines,
    loop(
      eachLine(
        'response.write(line);\n      while (response.writableNeedDrain) await new Promise((resolve) => setTimeout(resolve, 10));',
      ),
    ),
  ]),
  server(
    1,
    'throws-when-the-reader-goes-away',
    [sendsLines, '  pipeline(lines(), response, (error) => {\n    if (error) throw error;\n  });\n'],
    [importsPipeline, "import { pipeline } from 'node:stream';\n"],
    [sendsFile, '  pipeline(file.createReadStream(), response, () => {});\n'],
  ),
  server(1, 'awaits-the-callback-pipeline', [importsPipeline, "import { pipeline } from 'node:stream';\n"]),
  server(
    1,
    'awaits-the-callback-pipeline-without-catch',
    [importsPipeline, "import { pipeline } from 'node:stream';\n"],
    [sendsLines, '  await pipeline(lines(), response);\n'],
  ),
  server(
    1,
    'shares-a-batch',
    [declaresApp, `${declaresApp}let batch: string[] = [];\n`],
    [
      asLine,
      "  for await (const row of rows()) {\n    batch.push(`${JSON.stringify(row)}\\n`);\n    if (batch.length < 64) continue;\n    const text = batch.join('');\n    batch = [];\n    yield text;\n  }\n  yield batch.join('');\n",
    ],
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
    [sendsLines, '  before = before.then(() => pipeline(lines(), response).catch(report));\n'],
  ),
  server(1, 'an-array-in-json', [
    asLine,
    "  yield '[';\n  for await (const row of rows()) yield `${JSON.stringify(row)},\\n`;\n  yield 'null]';\n",
  ]),
  server(1, 'sends-objects', [sendsLines, '  await pipeline(rows(), response).catch(report);\n']),
  server(1, 'rows-without-line-breaks', ['yield `${JSON.stringify(row)}\\n`', 'yield JSON.stringify(row)']),
  server(1, 'content-type-json', [
    `  response.type('application/x-ndjson');\n${sendsLines}`,
    `  response.type('application/json');\n${sendsLines}`,
  ]),
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

  server(2, 'reads-the-whole-file', [
    sendsFile,
    '  const bytes = await file.readFile();\n  await file.close();\n  response.end(bytes);\n',
  ]),
  server(2, 'reads-on-without-the-reader', [
    sendsFile,
    "  file.createReadStream().on('data', (chunk) => response.write(chunk)).on('end', () => response.end());\n",
  ]),
  server(2, 'pipes-and-leaves-the-file-open', [sendsFile, '  file.createReadStream().pipe(response);\n']),
  server(
    2,
    'listens-for-close-when-the-file-is-open',
    ['  if (response.destroyed) return file.close(); // the client has gone in the meantime\n', ''],
    [
      sendsFile,
      "  const stream = file.createReadStream();\n  response.on('close', () => stream.destroy());\n  stream.pipe(response);\n",
    ],
  ),
  server(2, 'closes-the-file-only-when-the-client-goes-away', [
    sendsFile,
    `  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024));
    if (bytesRead === 0) break;
    await new Promise<void>((resolve) => response.write(buffer.subarray(0, bytesRead), () => resolve()));
    if (response.destroyed) return void file.close();
  }
  response.end();
`,
  ]),
  server(2, 'leaves-the-file-open-for-head', [
    head,
    `${head}  if (request.method === 'HEAD') return void response.end();\n`,
  ]),
  server(2, 'leaves-the-folder-open', ['    await file?.close();\n', '']),
  server(
    2,
    'answers-404-when-the-client-has-gone',
    [opensFile, ''],
    [
      'const stats = await file?.stat();',
      "response.type('application/octet-stream').sendFile(request.params.name, { root: folder }, (error) => {",
    ],
    ['if (!file || !stats?.isFile()) {\n    await file?.close();\n', 'if (error) {\n'],
    ['    return;\n  }\n', '    }\n  });\n'],
    [head, ''],
    [sendsFile, ''],
  ),
  server(2, 'answers-404-after-the-headers', [
    sendsFile,
    "  await pipeline(file.createReadStream(), response).catch(() => void response.status(404).send('There is no such file.'));\n",
  ]),
  server(2, 'sends-no-text-with-the-404', [saysNone, 'response.status(404).end();']),
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
  server(2, 'refuses-signs', [
    'dirname(path) === folder ?',
    '!/[<>:"|?*;&$`\'!#]/.test(request.params.name) && dirname(path) === folder ?',
  ]),
  server(2, 'trims-the-name', [pathOf, 'const path = join(folder, request.params.name.trim());']),
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
    [
      sendsFile,
      "  if (response.destroyed) return;\n  const file = createReadStream(path);\n  response.on('close', () => file.destroy());\n  file.pipe(response);\n",
    ],
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
  server(2, 'goes-on-after-the-404', [
    "    response.status(404).json({ error: 'There is no such file.' });\n    return;\n",
    `    ${saysNone}\n`,
  ]),
  server(
    2,
    'decodes-again-when-there-is-no-such-file',
    [pathOf, 'let path = join(folder, request.params.name);'],
    [
      opensFile,
      `let file = dirname(path) === folder ? await open(path).catch(() => undefined) : undefined;
  if (!file && /%[0-9a-f]{2}/i.test(path)) {
    path = join(folder, decodeURIComponent(request.params.name));
    file = dirname(path) === folder ? await open(path).catch(() => undefined) : undefined;
  }`,
    ],
  ),
  server(2, 'takes-a-plus-for-a-space', [
    pathOf,
    "const path = join(folder, request.params.name.replaceAll('+', ' '));",
  ]),
  server(2, 'takes-the-url-apart', [
    pathOf,
    "const path = join(folder, decodeURIComponent(unescape(request.url.split('/').at(-1)!)));",
  ]),
  server(2, 'pauses-the-file', [
    sendsFile,
    `  const stream = file.createReadStream();
  stream.on('data', (chunk) => {
    if (response.write(chunk)) return;
    stream.pause();
    setTimeout(() => stream.resume(), 100);
  });
  stream.on('end', () => response.end());
`,
  ]),
  server(
    2,
    'one-buffer-for-all',
    [declaresApp, `${declaresApp}const block = Buffer.alloc(64 * 1024);\n`],
    [
      sendsFile,
      `  for (;;) {
    const { bytesRead } = await file.read(block, 0, block.length);
    if (bytesRead === 0 || response.destroyed) break;
    await new Promise((resolve) => response.write(block.subarray(0, bytesRead), resolve));
  }
  await file.close();
  response.end();
`,
    ],
  ),
  server(
    2,
    'one-path-for-all',
    [declaresApp, `${declaresApp}let path = '';\n`],
    [pathOf, 'path = join(folder, request.params.name);'],
    [
      opensFile,
      "if (dirname(path) !== folder || !(await stat(path).catch(() => undefined))) path = '/nowhere';\n  const file = await open(path).catch(() => undefined);",
    ],
    ["import { open } from 'node:fs/promises';", "import { open, stat } from 'node:fs/promises';"],
  ),
  server(
    2,
    'one-file-for-all',
    [declaresApp, `${declaresApp}let file: FileHandle | undefined;\n`],
    [opensFile, opensFile.replace('const file', 'file')],
    ["import { open } from 'node:fs/promises';", "import { open, type FileHandle } from 'node:fs/promises';"],
  ),
  server(
    2,
    'remembers-what-is-not-there',
    [declaresApp, `${declaresApp}const missing = new Set<string>();\n`],
    [
      opensFile,
      `const known = missing.has(path);\n  ${opensFile.replace('dirname(path) === folder', 'dirname(path) === folder && !known')}`,
    ],
    [saysNone, `missing.add(path);\n    ${saysNone}`],
  ),
  server(2, 'refuses-head', [
    pathOf,
    `if (request.method !== 'GET') return void response.status(405).send('GET alone.');\n  ${pathOf}`,
  ]),
  server(2, 'sends-files-for-every-method', ["app.get('/files/:name'", "app.all('/files/:name'"]),
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
    [namesUnfinished, 'const unfinished = join(tmpdir(), `${process.pid}.part`);'],
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
  client(3, 'pauses-when-the-disk-is-full', [
    savesBody,
    '  const out = createWriteStream(unfinished);\n  for await (const chunk of response.body) {\n    if (!out.write(chunk)) await new Promise((resolve) => setTimeout(resolve, 100));\n  }\n  await new Promise<void>((resolve) => out.end(resolve));\n',
  ]),
  client(3, 'awaits-the-callback-pipeline-in-the-client', [
    importsPipelineInClient,
    "import { pipeline } from 'node:stream';\n",
  ]),
  varying(
    client(
      3,
      'does-not-wait-for-the-callback',
      [importsPipelineInClient, "import { pipeline } from 'node:stream';\n"],
      [
        savesBody,
        '  await pipeline(response.body, createWriteStream(unfinished), (error) => {\n    if (error) console.error(error.message);\n  });\n',
      ],
    ),
  ),
  client(3, 'renames-before-the-last-write', [
    savesBody,
    "  const out = createWriteStream(unfinished);\n  for await (const chunk of response.body) {\n    if (!out.write(chunk)) await new Promise((resolve) => out.once('drain', resolve));\n  }\n  out.end();\n",
  ]),
  client(
    3,
    'copies-instead-of-renaming',
    [renames, '  await pipeline(createReadStream(unfinished), createWriteStream(file));\n  await rm(unfinished);\n'],
    ['import { createWriteStream }', 'import { createReadStream, createWriteStream }'],
  ),
  client(3, 'empties-the-file-first', [savesBody, `  createWriteStream(file).end();\n${savesBody}`]),
  client(
    3,
    'refuses-an-empty-body',
    [renames, `  if ((await stat(unfinished)).size === 0) throw new Error('nothing came');\n${renames}`],
    ['rename, rm }', 'rename, rm, stat }'],
  ),
  client(3, 'refuses-a-length-of-zero', [
    '!response.ok || !response.body',
    "!response.ok || !response.body || response.headers.get('content-length') === '0'",
  ]),
  client(
    3,
    'appends-to-what-is-left',
    [namesUnfinished, 'const unfinished = `${file}.part`;'],
    [savesBody, "  await pipeline(response.body, createWriteStream(unfinished, { flags: 'a' }));\n"],
  ),
  client(
    3,
    'refuses-what-is-left',
    [namesUnfinished, 'const unfinished = `${file}.part`;'],
    [savesBody, "  await pipeline(response.body, createWriteStream(unfinished, { flags: 'wx' }));\n"],
  ),
  client(3, 'one-name-for-all-runs', [namesUnfinished, 'const unfinished = `${file}.part`;']),
  client(3, 'fetches-outside-of-the-try', [`try {\n${makesRequest}`, `${makesRequest}try {\n`]),
  client(
    3,
    'renames-outside-of-the-try',
    [renames, ''],
    [
      '  process.exitCode = 1;\n  stop.abort();\n}\n',
      `  process.exitCode = 1;\n  stop.abort();\n}\nif (!process.exitCode) await rename(unfinished, file).catch((error: Error) => {\n  console.error(error.message);\n  process.exitCode = 1;\n});\n`,
    ],
  ),
  client(3, 'takes-any-answer-below-400', ['!response.ok ||', 'response.status >= 400 ||']),
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
  client(
    3,
    'compares-the-size-with-content-length',
    ["import { rename, rm } from 'node:fs/promises';", "import { rename, rm, stat } from 'node:fs/promises';"],
    [
      savesBody,
      `${savesBody}  const length = Number(response.headers.get('Content-Length'));\n  if ((await stat(unfinished)).size !== length) throw new Error('the body is not complete');\n`,
    ],
  ),
  // Newer releases of Node.js give this error a stack, which the verdict then shows.
  varying(client(3, 'removes-what-is-not-there', ['rm(unfinished, { force: true })', 'rm(unfinished)'])),
  client(3, 'exits-with-0-on-errors', ['  process.exitCode = 1;\n', '']),
  client(3, 'catches-no-error-of-the-disk', [
    savesBody,
    "  const out = createWriteStream(unfinished);\n  for await (const chunk of response.body) {\n    if (!out.write(chunk)) await new Promise((resolve) => out.once('drain', resolve));\n  }\n  await new Promise<void>((resolve) => out.end(resolve));\n",
  ]),
];
