import { mkdirSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { toHeader } from '../../lessons/support/stateless.ts';
import { expect, Failure } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { parseStream } from '../harness/vocabulary/event-stream.ts';
import { finished, received, release, workMs } from '../harness/vocabulary/http.ts';
import { hello, judged, mcpClient, shakeHands, type McpClient, type Posted } from '../harness/vocabulary/mcp-client.ts';
import { newIds, paramsOf } from '../harness/vocabulary/notifications.ts';
import { officialClient } from '../harness/vocabulary/official-client.ts';
import { ownMeta } from '../harness/vocabulary/stateless.ts';
import { asJson, look, type Looked } from '../harness/vocabulary/value.ts';
import { fromJson, isObject, type Message } from '../harness/wire/json.ts';

/** The two eras of the protocol: with a handshake, and without one. */
type Era = '2025-11-25' | '2026-07-28';
const eras: Era[] = ['2025-11-25', '2026-07-28'];

/** A client of one era. One of the older era has shaken hands. */
type Caller = McpClient & { era: Era };

/** What an official client gets of a list. */
type Page = { resources: Message[]; nextCursor?: string };

/** A document of the grader's. Without a text, its bytes are not UTF-8. */
type Document = { name: string; bytes: Buffer; text?: string };

const updated = 'notifications/resources/updated';
const listChanged = 'notifications/resources/list_changed';

/** The methods whose requests name something in the header Mcp-Name, and the member of the params that has this name. */
const named: Record<string, string> = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' };

const types: Record<string, string> = { '.txt': 'text/plain', '.md': 'text/markdown', '.png': 'image/png' };

export default grader((run) => {
  const { expectSoon, missing, random, requirement, startServer, task, temporaryFolder, until } = run;

  let server: Server;
  let folder: string;
  let library: Document[];
  /** The URIs of the documents as the server lists them, by their names. */
  let uris: Map<string, string>;
  const callers = {} as Record<Era, Caller>;

  const word = () => random.words(1)[0]!;
  const words = (count = 3) => random.words(count).join(' ');
  const newId = newIds(random);
  const encoded = (name: string) => `document:///${encodeURIComponent(name)}`;

  /** Makes a folder with documents of all kinds, and starts a server that offers them. */
  async function begin(): Promise<void> {
    const parent = temporaryFolder();
    folder = join(parent, 'documents');
    mkdirSync(join(folder, 'drafts'), { recursive: true });
    const text = (name: string, text: string): Document => ({ name, bytes: Buffer.from(text), text });
    const [a, b] = [word(), word()];
    library = random.shuffled<Document>([
      text(`${a}-1.txt`, words(20)),
      text(`${a}-2.txt`, `${words(5)} — é世🌍\ufffd\r\n${words(2)}\n`),
      text(`${b} and ${word()}.md`, `# ${words(2)}\n\n${words(8)}\n`),
      text(`it's (${word()})!.txt`, words(3)),
      text(`100%41${word()}.json`, words(3)),
      text(`..${word()}.txt`, words(4)),
      text(`#${word()}&é世.txt`, words(4)),
      text(`${word()}-empty.txt`, ''),
      {
        name: `${word()}.png`,
        bytes: Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), bytes(random.integer(10, 90))]),
      },
      { name: `${word()}-latin1.txt`, bytes: Buffer.from(`${words(2)} café déjà`, 'latin1') },
    ]);
    for (const { name, bytes } of library) writeFileSync(join(folder, name), bytes);
    writeFileSync(join(folder, 'drafts', 'draft.txt'), words());
    writeFileSync(join(parent, 'secret.txt'), words());
    // The path of this folder begins with that of the folder with the documents.
    mkdirSync(join(parent, 'documents-secret'));
    writeFileSync(join(parent, 'documents-secret', 'secret.txt'), words());
    server = await startServer({ DOCUMENTS: folder });
    for (const era of eras) callers[era] = await connect(era, era === '2025-11-25' ? 'old client' : 'new client');
    uris = new Map(library.map(({ name }) => [name, encoded(name)]));
  }

  const bytes = (count: number) => Buffer.from(Array.from({ length: count }, () => random.integer(128, 255)));

  async function connect(era: Era, who: string): Promise<Caller> {
    const client = Object.assign(mcpClient(server, { who, newId }), { era });
    if (era === '2025-11-25') await shakeHands(client, hello());
    return client;
  }

  /** Posts a request in the era of this client, and waits for nothing. */
  function post(client: Caller, method: string, params: Message = {}): Posted {
    if (client.era === '2025-11-25') return client.post(client.request(method, params));
    const name = params[named[method] ?? ''];
    const headers = {
      'MCP-Protocol-Version': client.era,
      'Mcp-Method': method,
      ...(typeof name === 'string' && { 'Mcp-Name': toHeader(name) }),
    };
    return client.post(client.request(method, { ...params, _meta: ownMeta }), { headers });
  }
  const ask = (client: Caller, method: string, params?: Message) => post(client, method, params).done();

  /** The result of a request; `advice` is for an answer that is an error. */
  async function resultOf(client: Caller, method: string, params: Message, advice: string): Promise<Looked> {
    const posted = await ask(client, method, params);
    const { error } = posted.response();
    expect(error === undefined, {
      cause: `Your server answered ${method} of ${inEra(client)} with an error.`,
      compare: { expected: '"result":{…}', received: `"error":${asJson(error).slice(0, 200)}` },
      advice,
      see: posted.see,
    });
    return posted.result();
  }

  const inEra = ({ era }: Caller) => `a client of revision ${era}`;

  /** The request is refused with one of these codes; returns the error. */
  async function refused(
    client: Caller,
    method: string,
    params: Message,
    { codes, about, advice }: { codes: number[]; about: string; advice: string },
  ): Promise<Message> {
    const posted = await ask(client, method, params);
    const { error } = posted.response() as { error?: Message };
    const expected = `"error":{"code":${codes.join(' or ')}, …}`;
    expect(error !== undefined, {
      cause: `${about}, but your server answered ${method} of ${inEra(client)} with a result.`,
      compare: { expected, received: received(posted) },
      advice,
      see: posted.see,
    });
    expect(codes.includes(error.code as number), {
      cause: `${about}, but the error of your server has the wrong code for ${inEra(client)}.`,
      compare: { expected, received: `"error":${asJson(error).slice(0, 200)}` },
      advice,
      see: posted.see,
    });
    return error;
  }

  /** All that a list has, page by page. */
  async function listed(client: Caller, method: string, member: string, advice: string): Promise<Message[]> {
    const items: unknown[] = [];
    let cursor: unknown;
    for (let page = 0; page === 0 || (cursor !== undefined && page < 20); page++) {
      const result = await resultOf(client, method, cursor === undefined ? {} : { cursor }, advice);
      items.push(...result.at(member).array(`The result of ${method} has no array ${member}.`, { advice }));
      cursor = (result.value as Message).nextCursor;
    }
    return items.filter(isObject);
  }

  const registers =
    'Let offerDocuments register the template, as the starter does: server.registerResource(name, template, config, read). Give it a function list, which returns { resources: [...] }.';
  const reads =
    'Let the callback of registerResource return { contents: [...] } with one item, which has the uri, the mimeType, and either text or blob.';

  const finds =
    'Look for the name that nameIn(uri) returns among documentNames. nameIn decodes the name, so do not decode it again: a name can have a percent sign in it.';

  const list = (client: Caller) => listed(client, 'resources/list', 'resources', registers);

  /** Reads a document, and returns the one item of its contents. */
  async function read(client: Caller, uri: string, advice = finds): Promise<Looked> {
    const result = await resultOf(client, 'resources/read', { uri }, advice);
    const contents = result.at('contents').array('The result of resources/read has no array contents.', {
      like: '[{"uri":"…","text":"…"}]',
      advice: reads,
    });
    expect(contents.length === 1, {
      cause: `The document is one, but the result of resources/read has ${contents.length} contents.`,
      compare: { expected: '"contents":[{"uri":…}]', received: asJson(contents).slice(0, 200) },
      advice: reads,
    });
    return look(contents[0], '');
  }

  /** The item has what is in the document, and nothing else. */
  function expectContents(item: Looked, { name, bytes, text }: Document, uri: string): void {
    item
      .at('uri')
      .expect(decoded(item.at('uri').value) === decoded(uri), 'The contents of a document have the wrong uri.', {
        like: asJson(uri),
        advice: 'Copy the URI of the request into the contents: uri.href, of the first argument.',
      });
    item
      .at('mimeType')
      .is(mimeType(name), 'The contents of a document have the wrong mimeType.', 'Call mimeTypeOf with its name.');
    if (text === undefined) {
      item
        .at('blob')
        .expect(
          typeof item.at('blob').value === 'string' &&
            Buffer.from(item.at('blob').value as string, 'base64').equals(bytes) &&
            /^[A-Za-z0-9+/]*={0,2}$/.test(item.at('blob').value as string),
          'The bytes of a document are not UTF-8, and its contents have no blob with these bytes in base64.',
          {
            like: asJson(bytes.toString('base64').slice(0, 60)),
            advice:
              "Put bytes.toString('base64') into blob if textOf returns undefined. Bytes that are not UTF-8 are lost in a string.",
          },
        );
      expect(!item.has('text'), {
        cause: 'The contents of a document have both blob and text, or a text although the document is not UTF-8.',
        compare: { expected: '(no text)', received: asJson(item.value).slice(0, 160) },
        advice: 'Send text or blob, and never both: a client looks which of the two members is there.',
      });
      return;
    }
    const { value } = item.at('text');
    item.at('text').expect(value !== undefined, 'A document is valid UTF-8, but its contents have no text.', {
      like: asJson(text.slice(0, 60)),
      advice:
        text === ''
          ? 'Compare what textOf returns with undefined. An empty document has an empty text, but a condition takes an empty string as false.'
          : 'Put what textOf returns into text, whatever the mimeType is. Only if textOf returns undefined, the document is not UTF-8.',
    });
    item.at('text').expect(value === text, 'The contents of a document have the wrong text.', {
      like: asJson(text.slice(0, 60)),
      advice: 'Read the file when the client asks for it, and put what textOf returns into text.',
    });
    expect(!item.has('blob'), {
      cause: 'The contents of a document that is UTF-8 have a blob.',
      compare: { expected: '(no blob)', received: asJson(item.value).slice(0, 160) },
      advice: 'Send text or blob, and never both: a client looks which of the two members is there.',
    });
  }

  const mimeType = (name: string) => types[extname(name)] ?? 'application/octet-stream';
  const decoded = (uri: unknown) => {
    try {
      return decodeURIComponent(String(uri));
    } catch {
      return String(uri);
    }
  };

  /** What stays in a resource list, in a short form for verdicts. */
  const namesIn = (resources: Message[]) => resources.map(({ name }) => asJson(name)).join(', ') || '(no resources)';

  /** The URI of RFC 6570: it also encodes the characters that encodeURIComponent leaves as they are. */
  const expanded = (name: string) =>
    `document:///${encodeURIComponent(name).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)}`;

  const completesBy = {
    template:
      'Give the template a function that returns the names that begin with its argument: complete: { name: namesBeginningWith }.',
    prompt:
      'Wrap the schema of document in completable, and write nothing after it but optional(): completable(z.string().describe(…), namesBeginningWith). If describe() or regex() follows, zod makes a new schema without the completion.',
  };

  async function completed(client: Caller, ref: Message, name: string, value: string): Promise<Looked> {
    const completes = completesBy[ref.type === 'ref/prompt' ? 'prompt' : 'template'];
    const result = await resultOf(client, 'completion/complete', { ref, argument: { name, value } }, completes);
    const completion = result.at('completion').object('The result of completion/complete has no object completion.', {
      like: '{"values":[…]}',
      advice: completes,
    });
    completion.at('values').array('The completion has no array values.', { advice: completes });
    return completion;
  }

  /** The completion has these values, in any order. */
  function expectValues(completion: Looked, expected: string[], value: string, completes: string): void {
    const values = completion.at('values').value as unknown[];
    expect(values.length > 0 || expected.length === 0, {
      cause: `A client asked for the completion of ${asJson(value)}, but your server completed nothing, although names of documents begin with it.`,
      compare: { expected: asJson([...expected].sort()).slice(0, 300), received: '[]' },
      advice: `${completes} The function returns all names if its argument is empty.`,
    });
    expect(asJson([...values].sort()) === asJson([...expected].sort()), {
      cause: `A client asked for the completion of ${asJson(value)}, but got other values than the names of the documents that begin with it.`,
      compare: {
        expected: asJson([...expected].sort()).slice(0, 300),
        received: asJson([...values].sort()).slice(0, 300),
      },
      advice:
        'Return the names, not the URIs, that begin with the value: name.startsWith(value). For an empty value, these are all names.',
    });
  }

  const beginnings = () => {
    const twins = library.filter(({ name }) => /-[12]\.txt$/.test(name)).map(({ name }) => name);
    return ['', twins[0]!.slice(0, -5), twins[0]!, twins[0]!.slice(1), '..', `${word()}-${word()}`];
  };
  const beginningWith = (value: string) => library.map(({ name }) => name).filter((name) => name.startsWith(value));

  task({ number: 1, title: 'Offer resources', file: 'server.ts' }, () => {
    requirement(
      '`resources/list` returns each document one time, with its `uri`, its `name`, its `mimeType` and its `size` in bytes. It leaves out folders.',
      async () => {
        await begin();
        for (const era of eras) {
          const resources = await list(callers[era]);
          const names = resources.map(({ name }) => name);
          const compare = {
            expected: [...library]
              .map(({ name }) => asJson(name))
              .sort()
              .join(', '),
            received:
              [...resources]
                .map(({ name }) => asJson(name))
                .sort()
                .join(', ') || '(no resources)',
          };
          for (const { name, bytes } of library) {
            expect(names.filter((each) => each === name).length === 1, {
              cause: names.includes(name)
                ? 'Your server lists a document more than one time.'
                : 'Your server does not list all documents.',
              compare,
              advice: 'Give the template a function list, which returns a resource for each name of documentNames.',
            });
            const resource = look(
              resources.find((each) => each.name === name),
              'resource',
            );
            const { value: uri } = resource.at('uri');
            expect(
              typeof uri === 'string' &&
                decoded(uri) === `document:///${name}` &&
                URL.canParse(uri) &&
                decoded(new URL(uri).href) === `document:///${name}`,
              {
                cause: 'A document in the list has the wrong uri.',
                compare: { expected: `"uri":${asJson(encoded(name))}`, received: `"uri":${asJson(uri)}` },
                advice: 'Call uriOf with the name: it encodes the characters that have a meaning in a URI.',
              },
            );
            uris.set(name, uri);
            resource
              .at('mimeType')
              .is(mimeType(name), 'A document in the list has the wrong mimeType.', 'Call mimeTypeOf with the name.');
            resource
              .at('size')
              .is(
                bytes.length,
                'A document in the list has the wrong size.',
                'Take size from stat(join(folder, name)). The size counts bytes, and a string counts characters.',
              );
          }
          expect(resources.length === library.length, {
            cause: 'Your server lists more than the documents.',
            compare,
            advice: 'Take the names from documentNames: it leaves out folders.',
          });
        }
      },
    );

    requirement(
      'If a document is valid UTF-8, `resources/read` returns one item in `contents` with the `uri`, the `mimeType` and the `text` of the document. This also holds for an empty document.',
      async () => {
        for (const document of library.filter(({ text }) => text !== undefined)) {
          for (const era of eras) {
            const uri = uris.get(document.name)!;
            expectContents(await read(callers[era], uri), document, uri);
          }
        }
      },
    );

    requirement(
      'If the bytes of a document are not UTF-8, the item has `blob` with these bytes in base64, in place of `text`.',
      async () => {
        for (const document of library.filter(({ text }) => text === undefined)) {
          for (const era of eras) {
            const uri = uris.get(document.name)!;
            expectContents(await read(callers[era], uri), document, uri);
          }
        }
      },
    );

    requirement(
      'If a document comes or changes while the server is running, the next `resources/list` and `resources/read` of each client show this, also in a session that is older than the document.',
      async () => {
        const changed = random.pick(library.filter(({ name }) => name.endsWith('-1.txt')));
        changed.text = words(7);
        changed.bytes = Buffer.from(changed.text);
        const text = words(5);
        const added: Document = { name: `${word()}-new.txt`, bytes: Buffer.from(text), text };
        library.push(added);
        uris.set(added.name, encoded(added.name));
        for (const { name, bytes } of [changed, added]) writeFileSync(join(folder, name), bytes);
        for (const era of eras) {
          const resources = await list(callers[era]);
          expect(
            resources.some(({ name }) => name === added.name),
            {
              cause: `A document has come into the folder, but your server does not list it for ${inEra(callers[era])}.`,
              compare: { expected: `…, ${asJson(added.name)}, …`, received: namesIn(resources) },
              advice:
                'Call documentNames in the function list of the template. The SDK calls this function for each resources/list, but it calls makeServer only one time for a session.',
            },
          );
          const { size } = resources.find(({ name }) => name === changed.name) ?? {};
          expect(size === changed.bytes.length, {
            cause: 'A document has changed, but the list of your server has its old size.',
            compare: { expected: `"size":${changed.bytes.length}`, received: `"size":${asJson(size)}` },
            advice: 'Call stat when a client asks for the list, and keep nothing of the answer.',
          });
          for (const document of [added, changed]) {
            const uri = uris.get(document.name)!;
            expectContents(await read(callers[era], uri), document, uri);
          }
        }
      },
    );

    requirement(
      '`resources/templates/list` returns a template with the `uriTemplate` `document:///{name}`. If a client fills in a name by the rules of RFC 6570, `resources/read` with this URI reads the document.',
      async () => {
        for (const era of eras) {
          const templates = await listed(callers[era], 'resources/templates/list', 'resourceTemplates', registers);
          expect(
            templates.some(({ uriTemplate }) => uriTemplate === 'document:///{name}'),
            {
              cause: 'Your server lists no template document:///{name}.',
              compare: {
                expected: '"uriTemplate":"document:///{name}"',
                received: templates.map((each) => asJson(each)).join('\n') || '(no template)',
              },
              advice: "Register the resource with new ResourceTemplate('document:///{name}', …) instead of a URI.",
            },
          );
          for (const document of library.filter(({ name }) => /[!'()]| /.test(name))) {
            const uri = expanded(document.name);
            expectContents(
              await read(
                callers[era],
                uri,
                'Decode the name of the URI with nameIn, and compare names. Two URIs of one document can differ in what is encoded.',
              ),
              document,
              uri,
            );
          }
        }
      },
    );

    requirement(
      '`completion/complete` for the variable `name` of the template returns the names of all documents that begin with the value.',
      async () => {
        for (const value of beginnings()) {
          for (const era of eras) {
            const ref = { type: 'ref/resource', uri: 'document:///{name}' };
            expectValues(
              await completed(callers[era], ref, 'name', value),
              beginningWith(value),
              value,
              completesBy.template,
            );
          }
        }
      },
    );

    requirement(
      'If no document has this URI, `resources/read` answers with an error. Revision 2026-07-28 has the code `-32602` and the URI in `data.uri`. For 2025-11-25, the code is `-32602` or `-32002`.',
      async () => {
        const advice =
          'Throw new ResourceNotFoundError(uri) if documentNames does not include the name. Other errors become -32603, which says that the server has a fault.';
        for (const uri of [encoded(`${word()}.txt`), encoded('drafts'), 'document:///%zz', `other:///${word()}`]) {
          await expectNotFound(uri, 'No document has the URI of a request', advice);
        }
      },
    );

    requirement(
      'If the name in a URI leads out of the folder, for example `..%2Fsecret.txt`, the server answers with the same error.',
      async () => {
        const outside = [
          '../secret.txt',
          '../documents/../secret.txt',
          '../documents-secret/secret.txt',
          `../${random.pick(library).name}`,
          'drafts/../../secret.txt',
          join(folder, '..', 'secret.txt'),
        ];
        const advice =
          'Look for the whole name in documentNames before you open a file. A client can write any URI, and join follows "../" out of the folder.';
        for (const name of outside) {
          await expectNotFound(encoded(name), 'The name in a URI leads out of the folder', advice);
        }
      },
    );

    async function expectNotFound(uri: string, about: string, advice: string): Promise<void> {
      for (const era of eras) {
        const codes = era === '2026-07-28' ? [-32602] : [-32602, -32002];
        const error = await refused(callers[era], 'resources/read', { uri }, { codes, about, advice });
        if (era === '2025-11-25') continue;
        look(error, 'error')
          .at('data')
          .at('uri')
          .is(
            uri,
            `${about}, but the error of your server does not have this URI in data.uri.`,
            'Throw new ResourceNotFoundError(uri): it puts the URI into data. By data.uri, a client tells this error from other errors with the code -32602.',
          );
      }
    }
  });

  /** A stream on which notifications arrive that nobody has asked for. */
  type Channel = { who: string; era: Era; posted: Posted; client: Caller };

  const messagesOn = ({ posted }: Channel): Message[] =>
    parseStream(posted)
      .events.map(({ data }) => fromJson(data))
      .filter(isObject);
  const told = (channel: Channel) =>
    messagesOn(channel).filter(({ method }) => method === updated || method === listChanged);
  const uriOfUpdate = (message: Message) => paramsOf(message).uri;
  const updatesOn = (channel: Channel) => told(channel).filter(({ method }) => method === updated);
  const listChangesOn = (channel: Channel) => told(channel).filter(({ method }) => method === listChanged);

  const seeStream = "curl -N http://127.0.0.1:3000/mcp -H 'Accept: text/event-stream' -H 'MCP-Session-Id: …'";

  /** Opens the stand-alone stream of an old client. */
  async function standAlone(who: string, client?: Caller): Promise<Channel> {
    const caller = client ?? (await connect('2025-11-25', who));
    const headers = { Accept: 'text/event-stream', 'MCP-Protocol-Version': '2025-11-25', ...caller.headers };
    const exchange = server.request('/mcp', { method: 'GET', headers, who });
    const posted = judged(server, exchange, {}, 'GET /mcp', seeStream);
    await opened(posted);
    return { who, era: '2025-11-25', posted, client: caller };
  }

  /** Opens the stream of a new client, and waits until the server has acknowledged what it listens to. */
  async function listens(who: string, notifications: Message): Promise<Channel> {
    const client = await connect('2026-07-28', who);
    const posted = post(client, 'subscriptions/listen', { notifications });
    const channel: Channel = { who, era: '2026-07-28', posted, client };
    await opened(posted);
    const acknowledged = () =>
      messagesOn(channel).find(({ method }) => method === 'notifications/subscriptions/acknowledged');
    await expectSoon(
      () => acknowledged() || finished(posted),
      () => ({
        cause: 'A new client listens, but your server sent no acknowledgement.',
        advice: saysSo,
        see: posted.see,
      }),
      server.program,
    );
    look(paramsOf(acknowledged() ?? {}), 'params', posted.see)
      .at('notifications')
      .is(notifications, 'A new client listens, but your server has not acknowledged all that it asked for.', saysSo);
    return channel;
  }

  const saysSo =
    'Pass capabilities: { resources: { subscribe: true, listChanged: true } } to the McpServer. The SDK honors only what these capabilities allow.';

  /** Waits for the status of a stream. The SDK sends the headers before the first message. */
  async function opened(posted: Posted): Promise<void> {
    await expectSoon(
      () => posted.status !== undefined || finished(posted),
      () => ({ cause: `Your server did not answer ${posted.what}.`, advice: saysSo, see: posted.see }),
      server.program,
    );
    expect(posted.status === 200, {
      cause: `Your server answered ${posted.what} with status ${posted.status}.`,
      compare: { expected: '200 (an event stream)', received: received(posted) },
      advice: 'Use endpoint, as the starter does: it answers this request.',
      see: posted.see,
    });
    await server.program.caughtUp();
  }

  const remembers =
    "Register handlers in rememberSubscriptions: server.server.setRequestHandler('resources/subscribe', …) adds the uri of the params to the set of this session, and 'resources/unsubscribe' deletes it.";

  const subscribe = async (client: Caller, method: string, uri: string) => {
    const result = await resultOf(client, method, { uri }, remembers);
    const members = Object.keys(result.value as Message).filter((name) => name !== '_meta');
    expect(members.length === 0, {
      cause: `The result of ${method} is not empty.`,
      compare: { expected: '"result":{}', received: `"result":${asJson(result.value)}` },
      advice: 'Return {} from the handler.',
    });
  };

  type Write = { posted: Posted; uri: string; name: string };

  /** Has somebody write a document. The tool is at work before the document is written. */
  async function beginWrite(writer: Caller, name: string, text: string): Promise<Write> {
    const posted = post(writer, 'tools/call', { name: 'write_document', arguments: { name, text } });
    Object.assign(posted, { what: 'The call of write_document', see: '' });
    const asStarter = 'Leave the tool write_document as it is in the starter.';
    expect(await posted.atWork(1), {
      cause: 'Your server answered the call of write_document before its tool was at work.',
      compare: { expected: '(a call that is running)', received: received(posted) },
      advice: asStarter,
    });
    return { posted, uri: uris.get(name) ?? encoded(name), name };
  }

  /** Lets the tool write the document, and waits until it is at work again behind that. */
  async function written({ posted }: Write): Promise<void> {
    const before = server.program.workCalls;
    release(server.program);
    await until(() => server.program.workCalls > before || finished(posted));
    await server.program.caughtUp();
    expect(!finished(posted), {
      cause: 'write_document has written a document, but it failed before it was at work again.',
      compare: { expected: '(a call that is running)', received: received(posted) },
      advice:
        'Catch what can go wrong in tellOfChange. A client that cannot be told must not make the tool fail, because the document is written.',
    });
  }

  /** Waits for what should come now. Where it does not come, a busy machine gets more turns of its event loop. */
  async function comes(condition: () => unknown): Promise<boolean> {
    if (await until(condition)) return true;
    for (let turn = 0; turn < 25 && !condition(); turn++) await server.program.caughtUp();
    return Boolean(condition());
  }

  /** Waits until this channel has been told. */
  async function expectTold(
    channel: Channel,
    method: string,
    uri: string | undefined,
    why: { cause: string; advice: string },
  ): Promise<void> {
    const has = () =>
      told(channel).some((each) => each.method === method && (uri === undefined || uriOfUpdate(each) === uri));
    await comes(() => has() || finished(channel.posted));
    if (has()) return;
    missing(`${method}${uri === undefined ? '' : ` ${uri}`}`, channel.who);
    const other = told(channel).map((each) => `${String(each.method)} ${asJson(each.params)}`);
    throw new Failure({
      ...why,
      compare: {
        expected: `${method}${uri === undefined ? '' : ` {"uri":${asJson(uri)}}`}`,
        received: other.join('\n') || '(nothing)',
      },
      see: channel.era === '2025-11-25' ? seeStream : channel.posted.see,
    });
  }

  /** If this channel has not been told, finds out whether it is told later, by letting the tool do all of its work. */
  async function whyLate(channel: Channel, write: Write): Promise<Partial<{ cause: string; advice: string }>> {
    if (await comes(() => told(channel).length > 0)) return {};
    await write.posted.done();
    if (!(await comes(() => told(channel).length > 0))) return {};
    throw new Failure({
      cause:
        'Your server told a subscriber that a document has changed only when write_document had done all of its work.',
      compare: { expected: `${updated}, then the work "archiving"`, received: `the work "archiving", then ${updated}` },
      advice:
        'Call tellOfChange right after await writeFile, as the starter does. The document has changed, whatever the tool does after that.',
      see: seeStream,
    });
  }

  function expectNothing(
    channels: Channel[],
    method: string,
    why: (channel: Channel) => { cause: string; advice: string },
  ): void {
    for (const channel of channels) {
      const [extra] = told(channel).filter((each) => each.method === method);
      expect(extra === undefined, {
        ...why(channel),
        compare: { expected: `(no ${method})`, received: asJson(extra).slice(0, 200) },
      });
    }
  }

  /** No answer of a call has a notification of another client in it. */
  function expectQuiet({ posted }: Write): void {
    const [extra] = posted.messages().filter(({ method }) => method === updated || method === listChanged);
    expect(extra === undefined, {
      cause: 'Your server sent the news of a document in the answer to the call that wrote it.',
      compare: { expected: '(only the response)', received: asJson(extra).slice(0, 200) },
      advice:
        'Tell the servers of the sessions with server.server.sendResourceUpdated. mcpReq.notify tells the client that is calling.',
    });
  }

  async function ends(write: Write): Promise<void> {
    await write.posted.done();
    const { error } = write.posted.response();
    const failed = error !== undefined || (write.posted.response().result as Message).isError === true;
    expect(!failed, {
      cause: 'write_document has written a document, but the call failed.',
      compare: { expected: `"Written: ${write.name}"`, received: received(write.posted) },
      advice: 'Catch what can go wrong in tellOfChange: a client that cannot be told is no fault of the tool.',
    });
    expectQuiet(write);
  }

  const close = async (...channels: Channel[]) => {
    for (const { posted } of channels) posted.close();
    await server.program.caughtUp();
  };

  const tells =
    'Go through sessions in tellOfChange, and call server.server.sendResourceUpdated({ uri }) for each server whose set has the uri. The server in the closure of the tool belongs to the client that is calling.';
  const notifies = 'Call notify.resourceUpdated(uri) in tellOfChange, with exactly the URI of the list.';

  task({ number: 2, title: 'Tell of changes', file: 'server.ts', asksForWork: true }, () => {
    const text = (name: string) => library.find((each) => each.name === name)!;
    let names: string[];

    requirement(
      'The capability `resources` has `subscribe` and `listChanged` with the value `true`, in the result of `initialize` and of `server/discover`. `resources/subscribe` and `resources/unsubscribe` return an empty result to an old client.',
      async () => {
        await begin();
        // What a URI encodes is up to the server, and its clients subscribe to the URIs of its list.
        for (const { name, uri } of await list(callers['2026-07-28'])) uris.set(String(name), String(uri));
        const again = mcpClient(server, { who: 'old client', newId });
        const initialized = await again.ask('initialize', hello());
        const discovered = await ask(callers['2026-07-28'], 'server/discover');
        for (const [method, posted] of [
          ['initialize', initialized],
          ['server/discover', discovered],
        ] as const) {
          const resources = posted.result().at('capabilities').at('resources');
          for (const name of ['subscribe', 'listChanged']) {
            resources
              .at(name)
              .is(
                true,
                `The capability resources in the result of ${method} has no ${name} with the value true.`,
                saysSo,
              );
          }
        }
        for (const [i, method] of ['resources/subscribe', 'resources/unsubscribe'].entries()) {
          await subscribe(callers['2025-11-25'], method, uris.get(library[i]!.name)!);
        }
      },
    );

    requirement(
      'If an old client has subscribed to a document, it gets `notifications/resources/updated` with the URI on its stand-alone stream when `write_document` writes the document. The update comes while the tool is still at work, and a client that then reads the document gets the new text.',
      async () => {
        names = random.shuffled(library.filter(({ text }) => text !== undefined)).map(({ name }) => name);
        for (const [i, name] of names.slice(0, 2).entries()) {
          const reader = await standAlone('reader');
          await subscribe(reader.client, 'resources/subscribe', uris.get(name)!);
          const writer = i === 0 ? await connect('2025-11-25', 'writer') : callers['2026-07-28'];
          const newText = words(6);
          const write = await beginWrite(writer, name, newText);
          expectNothing([reader], updated, () => ({
            cause:
              'Your server sent an update before the document was written, so a client that reads it gets the old text.',
            advice: 'Call tellOfChange after await writeFile, as the starter does.',
          }));
          await written(write);
          const why = await whyLate(reader, write);
          await expectTold(reader, updated, write.uri, {
            cause:
              'write_document has written a document and is still at work, but an old client that has subscribed to it has not been told.',
            advice: tells,
            ...why,
          });
          expect(updatesOn(reader).length === 1, {
            cause: 'Your server sent the update of one document more than one time.',
            compare: { expected: 'one update', received: `${updatesOn(reader).length} updates` },
            advice: 'Call sendResourceUpdated one time for each session.',
          });
          const document = text(name);
          Object.assign(document, { text: newText, bytes: Buffer.from(newText) });
          const asked = post(reader.client, 'resources/read', { uri: write.uri });
          await asked.doneMeanwhile({
            cause:
              'A client reads the document while write_document is still at work, but your server does not answer.',
            advice: 'Await nothing in tellOfChange that waits for the tool.',
          });
          expectContents(look((asked.result().at('contents').value as unknown[])[0], ''), document, write.uri);
          await ends(write);
          await close(reader);
        }
      },
    );

    requirement(
      'An old client gets updates only of documents that it has subscribed to and has not unsubscribed from. When it unsubscribes, all its other subscriptions stay, and so do those of other sessions.',
      async () => {
        const [name, other] = random.shuffled(names).slice(0, 2) as [string, string];
        const reader = await standAlone('reader');
        const gone = await standAlone('has unsubscribed');
        const elsewhere = await standAlone('reads elsewhere');
        const idle = await standAlone('reads nothing');
        for (const { client } of [reader, gone]) await subscribe(client, 'resources/subscribe', uris.get(name)!);
        for (const { client } of [gone, elsewhere]) await subscribe(client, 'resources/subscribe', uris.get(other)!);
        await subscribe(gone.client, 'resources/unsubscribe', uris.get(name)!);
        const write = await beginWrite(callers['2026-07-28'], name, words());
        await written(write);
        await expectTold(reader, updated, write.uri, {
          cause: 'One old client has unsubscribed, and a different one that is still subscribed gets no update.',
          advice: `Keep a set for each session: the set of a different session stays as it is. ${tells}`,
        });
        const compared = 'Look in the set of each session, and send the update only if the set has this URI.';
        expectNothing([gone], updated, () => ({
          cause: 'An old client has unsubscribed from a document, but your server sent it an update of this document.',
          advice: `${compared} Delete the URI from the set in the handler of resources/unsubscribe.`,
        }));
        expectNothing([elsewhere], updated, () => ({
          cause: 'An old client has subscribed to a different document, but your server sent it this update.',
          advice: compared,
        }));
        expectNothing([idle], updated, () => ({
          cause: 'An old client has subscribed to nothing, but your server sent it an update.',
          advice: compared,
        }));
        await ends(write);
        const second = await beginWrite(callers['2025-11-25'], other, words());
        await written(second);
        for (const channel of [gone, elsewhere]) {
          await expectTold(channel, updated, second.uri, {
            cause:
              'An old client has subscribed to a document and has unsubscribed from a different one, but it gets no update of the first.',
            advice: 'Keep all URIs of a session in a set, and delete only the one that resources/unsubscribe names.',
          });
        }
        await ends(second);
        const third = await beginWrite(callers['2026-07-28'], name, words());
        await written(third);
        const updates = () => updatesOn(reader).filter((each) => uriOfUpdate(each) === third.uri).length;
        await comes(() => updates() === 2);
        expect(updates() === 2, {
          cause:
            'A document was written two times, but an old client that has subscribed to it got a different number of updates.',
          compare: { expected: 'two updates', received: updates() === 1 ? 'one update' : `${updates()} updates` },
          advice:
            'Leave the URI in the set when you send an update: only resources/unsubscribe deletes it. Call sendResourceUpdated one time for each change and session.',
          see: seeStream,
        });
        await ends(third);
        await close(reader, gone, elsewhere, idle);
      },
    );

    requirement(
      'If a new client listens with `subscriptions/listen` to the URI of a document, it gets the update in the answer to this request while the tool is at work. A client that listens to other changes gets no update.',
      async () => {
        const [name, other] = random.shuffled(names).slice(0, 2) as [string, string];
        const uri = uris.get(name)!;
        const reader = await listens('reader', { resourceSubscriptions: [uris.get(other)!, uri] });
        const elsewhere = await listens('reads elsewhere', { resourceSubscriptions: [uris.get(other)!] });
        const idle = await listens('reads lists', { resourcesListChanged: true });
        const write = await beginWrite(callers['2025-11-25'], name, words());
        expectNothing([reader], updated, () => ({
          cause: 'Your server sent an update before the document was written.',
          advice: 'Call tellOfChange after await writeFile, as the starter does.',
        }));
        await written(write);
        await expectTold(reader, updated, uri, {
          cause:
            'write_document has written a document and is still at work, but a new client that listens to its URI has not been told.',
          advice: notifies,
        });
        expect(updatesOn(reader).length === 1, {
          cause: 'Your server sent a new client the update of one document more than one time.',
          compare: { expected: 'one update', received: `${updatesOn(reader).length} updates` },
          advice:
            'Call notify.resourceUpdated one time for each change, outside of the loop: it tells all new clients.',
        });
        expectNothing([elsewhere, idle], updated, ({ who }) => ({
          cause: `A new client that ${who} got the update of a document that it does not listen to.`,
          advice: notifies,
        }));
        await ends(write);
        await close(reader, elsewhere, idle);
      },
    );

    requirement(
      'If `write_document` writes a new document, each old client with a stand-alone stream and each new client that listens with `resourcesListChanged` gets `notifications/resources/list_changed` one time. Clients get this notification only for a new document.',
      async () => {
        const old = await standAlone('old reader');
        const subscribed = await standAlone('subscriber');
        const fresh = await listens('new reader', { resourcesListChanged: true });
        const known = random.pick(names);
        const elsewhere = await listens('reads one', { resourceSubscriptions: [uris.get(known)!] });
        await subscribe(subscribed.client, 'resources/subscribe', uris.get(known)!);
        const all = [old, subscribed, fresh];
        const first = await beginWrite(callers['2026-07-28'], known, words());
        await written(first);
        expectNothing([...all, elsewhere], listChanged, () => ({
          cause:
            'write_document has written a document that was there before, but your server said that the list has changed.',
          advice: 'Send list_changed only if isNew is true. After it, each client asks for the whole list.',
        }));
        await ends(first);
        const name = `${word()}-${word()}.txt`;
        const second = await beginWrite(callers['2025-11-25'], name, words());
        await written(second);
        for (const channel of all) {
          await expectTold(channel, listChanged, undefined, {
            cause: `A new document has come, but ${channel.era === '2025-11-25' ? 'an old client with a stand-alone stream' : 'a new client that listens with resourcesListChanged'} has not been told.`,
            advice:
              channel.era === '2025-11-25'
                ? 'If isNew is true, call server.sendResourceListChanged() for each server of sessions, also for one without subscriptions.'
                : 'If isNew is true, call notify.resourcesChanged().',
          });
          expect(listChangesOn(channel).length === 1, {
            cause: 'Your server sent one client list_changed more than one time for one new document.',
            compare: { expected: `one ${listChanged}`, received: String(listChangesOn(channel).length) },
            advice:
              'Call sendResourceListChanged one time for each session, and notify.resourcesChanged one time in all, outside of the loop.',
          });
        }
        expectNothing([elsewhere], listChanged, () => ({
          cause: 'A new client that listens only to a document was told that the list has changed.',
          advice: 'Call notify.resourcesChanged(). It tells only the clients that listen with resourcesListChanged.',
        }));
        await ends(second);
        await close(...all, elsewhere);
      },
    );

    requirement(
      'If a subscriber has no stream any more, or has ended its session, the call of `write_document` succeeds, and the other subscribers get their updates.',
      async () => {
        const name = random.pick(names);
        const uri = uris.get(name)!;
        const ended = await standAlone('has ended');
        const left = await standAlone('has left');
        const reader = await standAlone('reader');
        const listener = await listens('listener', { resourceSubscriptions: [uri] });
        const gone = await listens('listener who left', { resourceSubscriptions: [uri] });
        for (const { client } of [ended, left, reader]) await subscribe(client, 'resources/subscribe', uri);
        const deleted = server.request('/mcp', { method: 'DELETE', headers: ended.client.headers, who: 'has ended' });
        await expectSoon(
          () => finished(deleted),
          () => ({ cause: 'Your server did not answer a DELETE.', advice: 'Use endpoint, as the starter does.' }),
          server.program,
        );
        await close(ended, left, gone);
        const write = await beginWrite(callers['2026-07-28'], name, words());
        await written(write);
        const advice =
          'Go through sessions, from which endpoint removes those that are over. Let the rejected promise of one client stop nothing: add .catch to it.';
        for (const channel of [reader, listener]) {
          await expectTold(channel, updated, uri, {
            cause: 'Some subscribers have gone, and now a subscriber that is still there gets no update.',
            advice,
          });
        }
        await ends(write);
        await close(reader, listener);
      },
    );

    requirement(
      'In revision 2026-07-28, the result of `resources/list` has `ttlMs` with the value `60000` and `cacheScope` with the value `"public"`. The result of `resources/read` has the values `0` and `"private"`.',
      async () => {
        const hints =
          "Pass cacheHints: { 'resources/list': { ttlMs: 60_000, cacheScope: 'public' } } to the McpServer. For all other results, the SDK sends 0 and private.";
        for (const [method, params, ttlMs, cacheScope] of [
          ['resources/list', {}, 60_000, 'public'],
          ['resources/read', { uri: uris.get(names[0]!)! }, 0, 'private'],
        ] as const) {
          const result = await resultOf(callers['2026-07-28'], method, params, registers);
          result.at('ttlMs').is(ttlMs, `The result of ${method} has the wrong ttlMs.`, hints);
          result.at('cacheScope').is(cacheScope, `The result of ${method} has the wrong cacheScope.`, hints);
        }
      },
    );

    requirement(
      'The official clients (both generations in revision 2025-11-25, the second also in 2026-07-28) list and read the documents, subscribe to one, and get its update while the tool is at work.',
      async () => {
        const name = random.pick(names);
        const uri = uris.get(name)!;
        for (const generation of ['first', 'second', 'stateless'] as const) {
          const news: string[] = [];
          const onOther = (method: string, uri?: string) => news.push(`${method} ${uri}`);
          const client = await officialClient(server, generation, undefined, { onOther });
          if (generation !== 'stateless') await until(() => client.listening, workMs);
          const resources: Message[] = [];
          let cursor: string | undefined;
          // Some official clients get one page of the list for each question.
          do {
            const page = (await client.ask('listResources', cursor === undefined ? undefined : { cursor })) as Page;
            resources.push(...page.resources);
            cursor = page.nextCursor;
          } while (cursor !== undefined && resources.length <= library.length);
          expect(
            resources.some((each) => each.uri === uri),
            {
              cause: 'An official client does not find a document in the list.',
              compare: { expected: asJson(uri), received: namesIn(resources) },
              advice: registers,
            },
          );
          await client.subscribe(uri);
          const newText = words(4);
          const write = await beginWrite(callers['2025-11-25'], name, newText);
          await written(write);
          const wanted = `${updated} ${uri}`;
          await comes(() => news.includes(wanted));
          expect(news.includes(wanted), {
            cause: `An official client has subscribed to a document in revision ${generation === 'stateless' ? '2026-07-28' : '2025-11-25'}, but has not been told of its change while the tool is at work.`,
            compare: { expected: wanted, received: news.join('\n') || '(nothing)' },
            advice: generation === 'stateless' ? notifies : tells,
          });
          await ends(write);
          const text = await client.readResource(uri);
          look({ text }, 'contents')
            .at('text')
            .is(newText, 'An official client read the document after its update, but got the wrong text.', reads);
          await client.close();
        }
      },
    );
  });

  task({ number: 3, title: 'Offer prompts', file: 'server.ts' }, () => {
    const registersPrompt =
      'Register the prompt in offerPrompts: server.registerPrompt(name, { description, argsSchema }, callback). The callback returns { messages: [...] }.';
    const strings =
      'Make argsSchema of strings: document is z.string() in completable, and words is z.string().regex(/^\\d+$/).optional(). The arguments of a prompt are strings on the wire.';
    const required = 'Make document required in argsSchema: leave out optional() and default().';
    const pattern =
      'Check words with a pattern that begins with ^ and ends with $: z.string().regex(/^\\d+$/).optional(). Without ^ and $, a string passes if it has digits anywhere.';
    const lines =
      'Check words with z.string().regex(/^\\d+$/).optional(), without the flag m. With this flag, ^ and $ also match at each line break.';
    const unconverted =
      'Check words with z.string().regex(/^\\d+$/).optional(). The + demands at least one digit. z.coerce.number() takes an empty string as 0.';
    const get = (client: Caller, args: Message) =>
      resultOf(
        client,
        'prompts/get',
        { name: 'summarize', arguments: args },
        'words' in args ? strings : registersPrompt,
      );
    /** The texts and the resources of the messages of a prompt. */
    function messagesOf(result: Looked): Looked[] {
      const messages = result.at('messages').array('The result of prompts/get has no array messages.', {
        like: '[{"role":"user","content":{…}}]',
        advice: registersPrompt,
      });
      expect(messages.length === 2, {
        cause: `The prompt summarize has ${messages.length} messages.`,
        compare: { expected: 'two messages: the document, and a text', received: asJson(messages).slice(0, 200) },
        advice: 'Return two messages: one with the document as an embedded resource, and after it one with the text.',
      });
      return messages.map((message) => look(message, 'message'));
    }

    requirement(
      '`prompts/list` returns the prompt `summarize` with a `description` and two `arguments`: `document` has `required` with the value `true`, and `words` is not required.',
      async () => {
        await begin();
        for (const era of eras) {
          const prompts = await listed(callers[era], 'prompts/list', 'prompts', registersPrompt);
          const prompt = look(
            prompts.find(({ name }) => name === 'summarize'),
            'prompt',
          );
          prompt.object('Your server lists no prompt summarize.', {
            like: '{"name":"summarize", …}',
            advice: registersPrompt,
          });
          prompt.at('description').string('The prompt summarize has no description.', {
            advice: 'Add a description: people choose a prompt by it.',
          });
          const args = prompt
            .at('arguments')
            .array('The prompt summarize has no arguments.', { advice: strings })
            .filter(isObject);
          const byName = (name: string) =>
            look(
              args.find((each) => each.name === name),
              'argument',
            );
          byName('document').object('The prompt summarize has no argument document.', {
            like: '{"name":"document","required":true}',
            advice: strings,
          });
          byName('document')
            .at('required')
            .is(
              true,
              'The argument document is not required.',
              'Leave out optional() and default() for this argument: a client asks the person only for what is required.',
            );
          byName('words').object('The prompt summarize has no argument words.', {
            like: '{"name":"words"}',
            advice: strings,
          });
          byName('words').at('required').isNot(true, 'The argument words is required.', {
            like: 'false (or no member)',
            advice: 'Add optional() to the schema of this argument. The callback has a default value.',
          });
          expect(args.length === 2, {
            cause: 'The prompt summarize has other arguments than document and words.',
            compare: { expected: 'document, words', received: args.map(({ name }) => String(name)).join(', ') },
            advice: strings,
          });
        }
      },
    );

    requirement(
      '`prompts/get` returns two messages with the `role` `user`. The `content` of the first has the type `resource`, and its `resource` is what `resources/read` returns for the document.',
      async () => {
        for (const document of library) {
          const era = random.pick(eras);
          const [first] = messagesOf(await get(callers[era], { document: document.name }));
          first!
            .at('role')
            .is(
              'user',
              'A message of the prompt has the wrong role.',
              'Use the role user: the host sends the messages as if the person had written them.',
            );
          first!
            .at('content')
            .at('type')
            .is(
              'resource',
              'The first message of the prompt does not embed the document.',
              "Use the content { type: 'resource', resource }, with the item of contentsOf as its resource.",
            );
          const resource = first!
            .at('content')
            .at('resource')
            .object('The first message has no resource.', { advice: 'Put the item of contentsOf into resource.' });
          expectContents(resource, document, encoded(document.name));
        }
      },
    );

    requirement(
      'The `content` of the second message has the type `text`. Its text contains the value of `words`, or 50 if the client leaves out `words`.',
      async () => {
        for (const wanted of [String(random.integer(101, 998)), undefined, '0']) {
          for (const era of eras) {
            const { name } = random.pick(library);
            const args = { document: name, ...(wanted !== undefined && { words: wanted }) };
            const [, second] = messagesOf(await get(callers[era], args));
            second!.at('role').is('user', 'A message of the prompt has the wrong role.', 'Use the role user.');
            second!
              .at('content')
              .at('type')
              .is('text', 'The second message of the prompt is not a text.', "Use the content { type: 'text', text }.");
            const text = second!
              .at('content')
              .at('text')
              .string('The second message of the prompt has no text.', { advice: 'Put the text into text.' });
            const number = wanted ?? '50';
            expect(new RegExp(`(?<!\\d)${number}(?!\\d)`).test(text), {
              cause:
                wanted === undefined
                  ? 'A client left out words, but the text of the prompt does not have the number 50.'
                  : 'A client wants a certain number of words, but the text of the prompt does not have this number.',
              compare: { expected: `"… ${number} …"`, received: asJson(text) },
              advice: 'Put words into the text with a template, and give it the default value 50 if it is undefined.',
            });
          }
        }
      },
    );

    requirement(
      'If `document` is missing, or `words` is anything else than digits, `prompts/get` answers with the error `-32602`.',
      async () => {
        const { name } = random.pick(library);
        const cases: [string, string, Message][] = [
          ['A client left out the argument document', required, { words: '10' }],
          ['A client left out the argument document', required, {}],
          ['The argument words was a word', pattern, { document: name, words: word() }],
          ['The argument words was empty', unconverted, { document: name, words: '' }],
          ['The argument words had a sign', pattern, { document: name, words: '-5' }],
          ['The argument words was more than digits', pattern, { document: name, words: `7 ${word()}` }],
          ['The argument words had a second line with a word', lines, { document: name, words: `7\n${word()}` }],
        ];
        for (const [about, advice, args] of cases) {
          for (const era of eras) {
            await refused(
              callers[era],
              'prompts/get',
              { name: 'summarize', arguments: args },
              { codes: [-32602], about, advice },
            );
          }
        }
      },
    );

    requirement(
      'If no document has the name in `document`, or the name leads out of the folder, `prompts/get` answers with the error `-32602`. A request for a prompt that does not exist gets the same error.',
      async () => {
        const advice =
          'Take the resource from contentsOf(uriOf(document)). It throws a ResourceNotFoundError if there is no such document.';
        const outside = ['../secret.txt', '../documents-secret/secret.txt', `../${random.pick(library).name}`];
        for (const document of [`${word()}.txt`, ...outside, 'drafts', '']) {
          for (const era of eras) {
            await refused(
              callers[era],
              'prompts/get',
              { name: 'summarize', arguments: { document } },
              { codes: [-32602], about: `No document has the name ${asJson(document)}`, advice },
            );
          }
        }
        for (const era of eras) {
          await refused(
            callers[era],
            'prompts/get',
            { name: word(), arguments: {} },
            { codes: [-32602], about: 'No prompt has the name in name', advice: 'Leave unknown prompts to the SDK.' },
          );
        }
      },
    );

    requirement(
      '`completion/complete` for the argument `document` of the prompt returns the names of all documents that begin with the value. If there are more than 100, it returns 100 of them, their `total`, and `hasMore` with the value `true`.',
      async () => {
        const ref = { type: 'ref/prompt', name: 'summarize' };
        for (const value of beginnings()) {
          for (const era of eras) {
            expectValues(
              await completed(callers[era], ref, 'document', value),
              beginningWith(value),
              value,
              completesBy.prompt,
            );
          }
        }
        const value = `${word()}-many-`;
        const count = random.integer(101, 130);
        for (let i = 0; i < count; i++) writeFileSync(join(folder, `${value}${i}.txt`), '');
        for (const era of eras) {
          const completion = await completed(callers[era], ref, 'document', value);
          const { length } = completion.at('values').value as unknown[];
          const advice =
            'Return all names that begin with the value. The SDK cuts them off after 100, and says how many there are.';
          completion.expect(
            length === 100,
            'More than 100 names begin with the value, but the completion has not exactly 100 values.',
            { like: '{"values":[(100 values)]}', advice },
          );
          completion
            .at('total')
            .is(count, 'More than 100 names begin with the value, but the completion has the wrong total.', advice);
          completion
            .at('hasMore')
            .is(true, 'More than 100 names begin with the value, but hasMore is not true.', advice);
        }
      },
    );

    requirement(
      'The official clients (both generations in revision 2025-11-25, the second also in 2026-07-28) list the prompt, complete its argument `document`, and get its messages.',
      async () => {
        const { name, bytes } = random.pick(library.filter(({ text }) => text !== undefined));
        for (const generation of ['first', 'second', 'stateless'] as const) {
          const client = await officialClient(server, generation);
          const { prompts } = (await client.ask('listPrompts')) as { prompts: Message[] };
          look(prompts[0], 'prompts')
            .at('name')
            .is('summarize', 'An official client does not find the prompt.', registersPrompt);
          const ref = { type: 'ref/prompt', name: 'summarize' };
          const { completion } = (await client.ask('complete', {
            ref,
            argument: { name: 'document', value: name },
          })) as { completion: Message };
          look(completion, 'completion')
            .at('values')
            .is([name], 'An official client gets the wrong completion.', registersPrompt);
          const { messages } = (await client.ask('getPrompt', {
            name: 'summarize',
            arguments: { document: name },
          })) as { messages: Message[] };
          look(messages[0], 'message')
            .at('content')
            .at('resource')
            .at('text')
            .is(bytes.toString(), 'An official client gets a prompt with the wrong document.', registersPrompt);
          await client.close();
        }
      },
    );
  });
});
