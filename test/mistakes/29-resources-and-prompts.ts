import { server, type Mistake } from '../proof/mistake.ts';

/** Lines of the finished server that several mistakes change. */
const lists = '    list: async () => ({ resources: await Promise.all((await documentNames()).map(resourceOf)) }),\n';
const sizes = '  const { size } = await stat(join(folder, name));\n';
const resource = '  return { uri: uriOf(name), name, mimeType: mimeTypeOf(name), size };\n';
const names = '  const name = nameIn(uri);\n';
const checks = '  if (!(await documentNames()).includes(name)) throw new ResourceNotFoundError(uri);\n';
const content =
  "  return text === undefined ? { uri, mimeType, blob: bytes.toString('base64') } : { uri, mimeType, text };\n";
const filters = '  return (await documentNames()).filter((name) => name.startsWith(beginning));\n';

const capabilities = '      capabilities: { resources: { subscribe: true, listChanged: true } },\n';
const hints = "      cacheHints: { 'resources/list': { ttlMs: 60_000, cacheScope: 'public' } },\n";
const tells = '    tellOfChange(uriOf(name), isNew);\n';
const set = '  const uris = new Set<string>();\n';
const adds = '    uris.add(uri);\n    return {};\n';
const deletes = '    uris.delete(uri);\n    return {};\n';
const updates =
  '    if (subscriptions.get(server)?.has(uri)) server.server.sendResourceUpdated({ uri }).catch(console.error);\n';
const changesOld = '    if (isNew) server.sendResourceListChanged();\n';
const updatesNew = '  notify.resourceUpdated(uri);\n';
const changesNew = '  if (isNew) notify.resourcesChanged();\n';

const prompt =
  "  server.registerPrompt('summarize', { description, argsSchema }, async ({ document, words = '50' }) => ({\n";
const document = "    document: completable(z.string().describe('the name of the document'), namesBeginningWith),\n";
const words =
  "    words: z.string().regex(/^\\d+$/).optional().describe('how long the summary may be, 50 if it is left out'),\n";
const embedded =
  "      { role: 'user', content: { type: 'resource', resource: await contentsOf(uriOf(document)) } },\n";
const asks =
  "      { role: 'user', content: { type: 'text', text: `Summarize this document in at most ${words} words.` } },\n";

export const mistakes: Mistake[] = [
  server(1, 'lists-nothing', [lists, '    list: undefined,\n']),
  server(
    1,
    'lists-what-was-there-at-the-start',
    [lists, '    list: async () => ({ resources: await Promise.all((await atStart).map(resourceOf)) }),\n'],
    ['const { app, sessions, notify } =', 'const atStart = documentNames();\n\nconst { app, sessions, notify } ='],
  ),
  server(
    1,
    'keeps-the-names-of-a-session',
    ['  const template =', '  const all = documentNames();\n  const template ='],
    [lists, lists.replace('documentNames()', 'all')],
  ),
  server(1, 'uri-without-encoding', [resource, resource.replace('uriOf(name)', '`document:///${name}`')]),
  server(1, 'size-in-characters', [sizes, "  const size = (await readFile(join(folder, name), 'utf8')).length;\n"]),
  server(1, 'bytes-as-utf8-text', [content, "  return { uri, mimeType, text: text ?? bytes.toString('utf8') };\n"]),
  server(1, 'base64-in-text', [content, "  return { uri, mimeType, text: text ?? bytes.toString('base64') };\n"]),
  server(1, 'empty-document-is-a-blob', [content, content.replace('text === undefined', '!text')]),
  server(1, 'text-only-by-type', [
    content,
    content.replace('text === undefined', "text === undefined || !mimeType.startsWith('text/')"),
  ]),
  server(1, 'looks-for-a-replacement-character', [
    '  const text = textOf(bytes);\n',
    "  const decoded = bytes.toString('utf8');\n  const text = decoded.includes('\\ufffd') ? undefined : decoded;\n",
  ]),
  server(1, 'name-not-decoded', [names, "  const name = uri.slice('document:///'.length);\n"]),
  server(1, 'name-decoded-twice', [names, '  const name = decodeURIComponent(nameIn(uri));\n']),
  server(1, 'compares-encoded-uris', [
    checks,
    '  if (!(await documentNames()).some((each) => uriOf(each) === uri)) throw new ResourceNotFoundError(uri);\n',
  ]),
  server(1, 'leaves-the-folder', [
    checks,
    '  const found = await stat(join(folder, name)).catch(() => undefined);\n  if (!found?.isFile()) throw new ResourceNotFoundError(uri);\n',
  ]),
  server(1, 'opens-the-last-part-of-a-path', [names, "  const name = nameIn(uri).split('/').at(-1)!;\n"]),
  server(1, 'compares-the-beginning-of-paths', [
    checks,
    '  const path = join(folder, name);\n  const found = await stat(path).catch(() => undefined);\n  if (!path.startsWith(folder) || !found?.isFile()) throw new ResourceNotFoundError(uri);\n',
  ]),
  server(1, 'any-error', [checks, checks.replace('new ResourceNotFoundError(uri)', "new Error('no such document')")]),
  server(1, 'completes-with-uris', [
    filters,
    '  return (await documentNames()).filter((name) => name.startsWith(beginning)).map(uriOf);\n',
  ]),
  server(1, 'completes-the-middle-of-a-name', [filters, filters.replace('startsWith', 'includes')]),
  server(1, 'no-completion-of-the-template', ['    complete: { name: namesBeginningWith },\n', '']),
  server(2, 'no-capability', [capabilities, '']),
  server(2, 'remembers-nothing', [adds, '    return {};\n']),
  server(
    2,
    'one-set-for-all',
    [set, ''],
    ['/** Answers resources/subscribe', 'const uris = new Set<string>();\n\n/** Answers resources/subscribe'],
  ),
  server(2, 'unsubscribe-forgets-all', [deletes, '    uris.clear();\n    return {};\n']),
  server(2, 'tells-one-time', [updates, updates.replace('.has(uri)', '.delete(uri)')]),
  server(2, 'tells-everybody', [updates, '    server.server.sendResourceUpdated({ uri }).catch(console.error);\n']),
  server(2, 'tells-the-writer', [
    tells,
    '    if (subscriptions.get(server)?.has(uriOf(name))) await server.server.sendResourceUpdated({ uri: uriOf(name) });\n',
  ]),
  server(
    2,
    'tells-in-the-answer',
    [
      tells,
      "    void mcpReq.notify({ method: 'notifications/resources/updated', params: { uri: uriOf(name) } });\n    tellOfChange(uriOf(name), isNew);\n",
    ],
    ['async ({ name, text }) => {', 'async ({ name, text }, { mcpReq }) => {'],
  ),
  server(2, 'tells-before-the-check', [
    '    await work(`checking ${name}`);\n',
    '    tellOfChange(uriOf(name), false);\n    await work(`checking ${name}`);\n',
  ]),
  server(
    2,
    'tells-when-all-is-done',
    [tells, ''],
    ['    await work(`archiving ${name}`);\n', `    await work(\`archiving \${name}\`);\n${tells}`],
  ),
  server(2, 'tells-only-old-clients', [updatesNew, '']),
  server(
    2,
    'tells-new-clients-for-each-session',
    [updatesNew, ''],
    [updates, `${updates}    notify.resourceUpdated(uri);\n`],
  ),
  server(2, 'update-with-the-name', [updatesNew, '  notify.resourceUpdated(nameIn(uri));\n']),
  server(
    2,
    'list-change-always',
    [changesOld, changesOld.replace('if (isNew) ', '')],
    [changesNew, changesNew.replace('if (isNew) ', '')],
  ),
  server(2, 'list-change-for-subscribers', [
    changesOld,
    changesOld.replace('isNew', 'isNew && subscriptions.get(server)?.size'),
  ]),
  server(2, 'no-cache-hints', [hints, '']),
  server(3, 'document-is-optional', [document, document.replace("document')", "document').default('README.md')")]),
  server(3, 'words-is-required', [words, words.replace('.optional()', '')]),
  server(
    3,
    'words-is-a-number',
    [words, words.replace('z.string().regex(/^\\d+$/)', 'z.number()')],
    [prompt, prompt.replace("'50'", '50')],
  ),
  server(
    3,
    'words-is-converted',
    [words, words.replace('z.string().regex(/^\\d+$/)', 'z.coerce.number()')],
    [prompt, prompt.replace("'50'", '50')],
  ),
  server(3, 'words-without-anchors', [words, words.replace('/^\\d+$/', '/\\d+/')]),
  server(3, 'words-without-the-end', [words, words.replace('/^\\d+$/', '/^\\d+/')]),
  server(3, 'words-by-lines', [words, words.replace('+$/', '+$/m')]),
  server(3, 'words-of-any-text', [words, words.replace('.regex(/^\\d+$/)', '')]),
  server(3, 'words-may-be-empty', [words, words.replace('/^\\d+$/', '/^\\d*$/')]),
  server(3, 'no-default', [prompt, prompt.replace("words = '50'", 'words')]),
  server(3, 'takes-zero-as-no-words', [asks, asks.replace('${words}', '${Number(words) || 50}')]),
  server(3, 'only-a-link', [
    embedded,
    "      { role: 'user', content: { type: 'resource_link', uri: uriOf(document), name: document } },\n",
  ]),
  server(3, 'text-first', [`${embedded}${asks}`, `${asks}${embedded}`]),
  server(3, 'reads-the-file-itself', [
    embedded,
    "      { role: 'user', content: { type: 'resource', resource: { uri: uriOf(document), mimeType: mimeTypeOf(document), text: await readFile(join(folder, document), 'utf8') } } },\n",
  ]),
  server(3, 'prompt-of-the-last-part-of-a-path', [
    embedded,
    embedded.replace('(document)', "(document.split('/').at(-1)!)"),
  ]),
  server(3, 'no-completion', [document, "    document: z.string().describe('the name of the document'),\n"]),
  server(3, 'describes-after-completable', [
    document,
    "    document: completable(z.string(), namesBeginningWith).describe('the name of the document'),\n",
  ]),
  server(3, 'cuts-the-completion-off', [
    document,
    document.replace('namesBeginningWith)', 'async (value) => (await namesBeginningWith(value)).slice(0, 10))'),
  ]),
];
