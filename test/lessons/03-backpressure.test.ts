import { execFileSync } from 'node:child_process';
import {
  constants,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { isDeepStrictEqual } from 'node:util';
import { rowAt } from '../../lessons/support/rows.ts';
import { grader } from '../harness/run/grader.ts';
import { Failure, expect } from '../harness/run/failure.ts';
import { checkComplaint, expectEnd, notCrashed } from '../harness/vocabulary/command-line.ts';
import { visible } from '../harness/wire/transcript.ts';
import type { Call } from '../harness/wire/grader-server.ts';
import type { Exchange } from '../harness/wire/exchange.ts';
import { cutShort, type Program } from '../harness/programs/program.ts';
import type { Server } from '../harness/run/run.ts';
import { fromJson } from '../harness/vocabulary/value.ts';

export default grader((run) => {
  const {
    expectSoon,
    missing,
    note,
    random,
    requirement,
    sameCapture,
    startClient,
    startClientWith,
    startGraderServer,
    startServer,
    task,
    temporaryFolder,
    until,
  } = run;

  /** What may be made ahead of a reader that has stopped: far more than the buffers of any system hold on the way. */
  const rowsAhead = 30_000;
  const bytesAhead = 32 * 1024 ** 2;
  /** A file that nobody can have read unnoticed, and the memory that may grow meanwhile, in MiB. */
  const bigFile = 400;
  const memoryAhead = 200;
  /** Milliseconds until something that goes on and on is taken to do so for ever. */
  const patience = 10_000;

  const folder = temporaryFolder();
  const files = join(folder, 'files');
  mkdirSync(files);

  let server: Server;

  const finished = (stream: Exchange) => stream.ended || stream.broken !== undefined;
  const curl = (stream: Exchange, option = '-i') => ({
    see: `curl ${option} "http://127.0.0.1:3000${stream.name.slice(4)}"`,
  });
  /** A command for a stream that is too long to look at. */
  const firstRows = { see: 'curl -sN http://127.0.0.1:3000/export | head -n 3' };
  /** Where rows are compared: all that came twice, the first that is not in its place, and where two requests begin. */
  const rowNumbers = 'curl -sN http://127.0.0.1:3000/export | head -n 2000 | cut -d, -f1';
  const doubled = { see: `${rowNumbers} | uniq -d | head` };
  const misplaced = { see: `${rowNumbers} | awk -F: '$2 != NR' | head -n 1` };
  const twoRequests = { see: `${firstRows.see}; ${firstRows.see}` };
  const count = (number: number) => number.toLocaleString('en');

  /** Waits until `value` has stood still over several turns of the program's event loop, or is beyond `limit`. */
  async function standsStill(program: Program, value: () => number, limit: number): Promise<boolean> {
    const deadline = performance.now() + patience;
    let before = Number.NaN;
    for (let still = 0; still < 4;) {
      await program.caughtUp();
      const now = value();
      if (now > limit || performance.now() > deadline) return false;
      still = now === before ? still + 1 : 0;
      before = now;
      await until(() => false, 15);
    }
    return true;
  }

  /** A reader of `GET /export` that looks at each row as it comes. */
  type RowReader = {
    stream: Exchange;
    /** How many rows it has read, each the one that it should be. */
    readonly rows: number;
    /** Reads until it has `rows` rows, and stops there. */
    readTo(rows: number, explain: () => { cause: string; advice?: string }): Promise<void>;
    readToEnd(): Promise<void>;
  };

  /** The rows as JSON, by their numbers: each reader looks at the same ones. */
  const texts: string[] = [];

  function readRows(stream: Exchange): RowReader {
    let rows = 0;
    let chunks = 0;
    let unfinished = '';
    const decoder = new StringDecoder();

    /** Looks at what has come since it looked last. */
    const look = () => {
      for (; chunks < stream.chunks.length; chunks++) {
        if (rows === 0 && unfinished === '') checkHead(stream);
        const lines = (unfinished + decoder.write(stream.chunks[chunks]!.bytes)).split('\n');
        unfinished = lines.pop()!;
        for (const line of lines) checkRow(line, ++rows);
      }
      if (stream.ended && unfinished !== '') {
        checkRow(unfinished, ++rows);
        unfinished = '';
      }
    };
    const checkRow = (line: string, wanted: number) => {
      const text = (texts[wanted] ??= JSON.stringify(rowAt(wanted)));
      if (line === text) return;
      const received = fromJson(line);
      if (isDeepStrictEqual(received, rowAt(wanted))) return;
      const { row } = (received ?? {}) as { row?: unknown };
      missing(
        `row ${count(wanted)}${typeof row === 'number' ? `: here is row ${count(row)}${row < wanted ? ' again' : ''}` : ''}`,
      );
      expect(received !== undefined && typeof received === 'object' && received !== null, {
        cause: 'A line is not a row as JSON.',
        compare: { expected: '{"row":…}', received: visible(line.slice(0, 60)) },
        advice: 'In NDJSON each value is one line: JSON.stringify(row), then \\n, and nothing between the rows.',
        ...firstRows,
      });
      const lost = Number(row) > wanted;
      expect(typeof row !== 'number' || row === wanted, {
        cause: lost ? 'A row is lost: a later one came in its place.' : 'A row came twice.',
        advice:
          wanted === 1
            ? 'Each request needs rows() of its own: a generator gives each row once.'
            : `A write that returns false has taken its row all the same: ${lost ? 'wait, and go on with the next one' : 'do not write it again'}.`,
        ...(wanted === 1 ? twoRequests : lost ? misplaced : doubled),
      });
      throw new Failure({
        cause: 'A row is not what rows() gave.',
        compare: { expected: `${text.slice(0, 60)}…`, received: visible(line.slice(0, 60)) },
        ...firstRows,
      });
    };

    return {
      stream,
      get rows() {
        return rows;
      },
      async readTo(target, explain) {
        const tooLong = () => unfinished.length > 100_000;
        const why = () =>
          tooLong()
            ? { cause: 'No line comes to its end.', advice: 'A line break, \\n, ends each row.', ...firstRows }
            : { ...explain(), ...firstRows };
        const tooMany = () => server.program.rows - rows > 2 * rowsAhead;
        await expectSoon(
          () => {
            look();
            return rows >= target || finished(stream) || tooMany() || tooLong();
          },
          () => {
            if (stream.status !== undefined) checkHead(stream);
            missing('a row');
            return why();
          },
          server.program,
          patience,
        );
        if (!finished(stream)) stream.pause();
        if (rows < target && stream.status !== undefined) checkHead(stream);
        if (finished(stream)) await server.program.caughtUp();
        const noString = /The "chunk" argument must be of type string/.exec(server.program.stderr)?.[0];
        expect(!noString || rows >= target, {
          cause: 'The response broke off: it takes strings and bytes, and was given something else.',
          output: `${noString} …`,
          advice: 'A row is an object: make a line of it, with JSON.stringify(row) and \\n.',
          ...firstRows,
        });
        expect(!finished(stream) || rows >= target, {
          cause: `The response ${stream.ended ? 'ended' : 'broke off'}, and rows() had more.`,
          ...said(server.program),
          advice: 'Is there a way out of the loop that is taken too early, or an error that nobody handles?',
          ...firstRows,
        });
        if (rows < target) throw new Failure(why());
      },
      async readToEnd() {
        stream.resume();
        await expectSoon(
          () => {
            look();
            return finished(stream);
          },
          () => {
            missing('the end of the response');
            return {
              cause: 'After the last row the response does not end.',
              advice: 'response.end() after the loop says that nothing more comes; pipeline says it by itself.',
              ...firstRows,
            };
          },
          server.program,
          patience,
        );
        expect(stream.ended, { cause: 'The connection broke before the response had ended.', ...firstRows });
      },
    };
  }

  function checkHead(stream: Exchange): void {
    expect(stream.status === 200, {
      cause: `${stream.name} answered with status ${stream.status}.`,
      compare: { expected: '200', received: `${stream.status} ${visible(stream.text.slice(0, 80))}` },
      ...curl(stream),
    });
    const type = stream.headers['content-type'];
    expect(type && /^application\/x-ndjson\s*(;.*)?$/i.test(type), {
      cause: 'The Content-Type is another one: a client tells by it that each line is a JSON value.',
      compare: { expected: 'application/x-ndjson', received: type ?? '(no Content-Type)' },
      ...curl(stream),
    });
  }

  task({ number: 1, title: 'Do not outrun the reader', file: 'server.ts' }, () => {
    let first: RowReader;
    let second: RowReader;

    const stuck = (cause: string) => ({
      cause,
      advice:
        'When write has returned false and all that was kept has gone out, response emits drain: then write the next row.',
    });

    const comesToStop = async (readers: RowReader[]) => {
      const { program } = server;
      const ahead = () => program.rows - readers.reduce((sum, { rows }) => sum + rows, 0);
      const stopped = await standsStill(program, ahead, rowsAhead * readers.length);
      note('·', `${count(program.rows)} rows made`);
      if (stopped) return;
      missing('the server stops making rows');
      throw new Failure({
        cause:
          ahead() > rowsAhead * readers.length
            ? `The reader had stopped, and the server made more than ${count(rowsAhead)} rows ahead of it.`
            : `The reader had stopped, and the server was still making rows after ${patience / 1000} seconds.`,
        advice:
          'What response.write cannot pass on it keeps in memory, and says so: it returns false. Then wait for the event drain before you ask for the next row; or let pipeline do both.',
        see: 'node --import tsx lessons/03-backpressure/examples/measure.ts lessons/03-backpressure/server.ts',
      });
    };

    requirement(
      '`GET /export` answers 200 with `Content-Type: application/x-ndjson`; each row of `rows()` is one line of JSON, and the first are on the wire while `rows()` has more.',
      async () => {
        server = await startServer({ FILES_FOLDER: files });
        first = readRows(server.request('/export'));
        // More than a response takes before its first write returns false: 16 KiB, and 64 from Node.js 22 on.
        await first.readTo(random.integer(100, 150), () =>
          first.rows > 0
            ? stuck('The reader was reading, and after the first rows the server sent no more.')
            : {
                cause:
                  server.program.rows > rowsAhead
                    ? 'The server took row after row from rows(), and none is on the wire.'
                    : 'There is no row on the wire.',
                advice: 'Write each row as it comes. An array or a string of all rows is as large as the table.',
              },
        );
      },
    );

    requirement(
      'When the reader stops reading, the server stops asking `rows()` for more: at most 30,000 rows are made that the reader has not read.',
      async () => {
        sameCapture();
        await comesToStop([first]);
      },
    );

    requirement('While one reader has stopped, another gets its rows, from the first on.', async () => {
      second = readRows(server.request('/export', { who: 'reader 2' }));
      await second.readTo(random.integer(200, 2000), () => ({
        cause: `One reader had stopped, and another got ${second.rows > 0 ? 'no more than the first rows' : 'no rows'}.`,
        advice: 'Each request needs rows() and a loop of its own; what waits for one reader must not hold the others.',
      }));
      await comesToStop([first, second]);
    });

    requirement(
      'When the reader reads on, so does the server: no row is lost, doubled or out of order, and after the last row the response ends.',
      async () => {
        const { program } = server;
        first.stream.resume();
        // More than there was on the way.
        await first.readTo(program.rows - second.rows + random.integer(150, 1500), () =>
          stuck('The reader read on, and the server did not go on with the next rows.'),
        );
        await comesToStop([first, second]);
        program.finishTable();
        await first.readToEnd();
        await second.readToEnd();
        await program.caughtUp();
        const { rows } = program;
        expect(first.rows + second.rows === rows, {
          cause: 'The last rows are lost: the response ended before they were written.',
          advice: 'End the response after the last row is written.',
          ...firstRows,
        });
      },
    );
  });

  /** A file of this many bytes, in which every byte stands. */
  function randomBytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let i = 0; i < length; i++) bytes[i] = i < 256 ? i : random.integer(0, 255);
    return bytes;
  }

  task({ number: 2, title: 'Send a file', file: 'server.ts' }, () => {
    const ask = async (path: string) => {
      const answer = server.request('/files/', { path: `/files/${path}` });
      await expectSoon(
        () => finished(answer),
        () => {
          missing('the end of the response');
          return {
            cause:
              answer.status === undefined
                ? `${answer.name} has no answer.`
                : `The response to ${answer.name} does not end.`,
            advice: 'Every request needs an answer, and every answer an end, also when there is no such file.',
            ...curl(answer),
          };
        },
        server.program,
      );
      return answer;
    };
    const get = (name: string) => ask(encodeURIComponent(name));

    /** The grader's files are in a folder of its own; this one the learner has too. */
    const notes = { see: 'curl -i http://127.0.0.1:3000/files/notes.txt' };

    const checkFile = (answer: Exchange, bytes: Buffer, advice?: string, byHand: { see?: string } = notes) => {
      expect(answer.status === 200, {
        cause: `${answer.name} answered with status ${answer.status}.`,
        compare: {
          expected: '200',
          received: `${answer.status ?? ''} ${visible(answer.broken ?? answer.text.slice(0, 80))}`,
        },
        ...(advice && { advice }),
        ...notes,
      });
      const { 'content-type': type, 'content-length': length } = answer.headers;
      expect(/^application\/octet-stream$/i.test(type ?? ''), {
        cause: 'The Content-Type is another one: these are bytes, whatever the name ends with.',
        compare: { expected: 'application/octet-stream', received: type ?? '(no Content-Type)' },
        ...notes,
      });
      expect(length !== undefined, {
        cause: 'There is no Content-Length: a client cannot tell how much is still to come.',
        compare: { expected: String(bytes.length), received: '(no Content-Length)' },
        advice: 'stat tells the size of a file before its first byte is read.',
        ...notes,
      });
      expect(Number(length) === bytes.length, {
        cause: 'Content-Length is not the size of the file in bytes.',
        compare: { expected: String(bytes.length), received: length },
        advice: 'stat tells the size in bytes as it is now: ask each time.',
        ...notes,
      });
      const received = Buffer.concat(answer.chunks.map((chunk) => chunk.bytes));
      expect(answer.ended && received.equals(bytes), {
        cause: answer.ended
          ? 'The body has other bytes than the file.'
          : `The connection broke after ${count(received.length)} of ${count(bytes.length)} bytes.`,
        advice: 'A file is bytes: as text, some of them become others. And nothing goes out after the last.',
        ...notes,
      });
    };

    requirement(
      '`GET /files/:name` answers 200 with `Content-Type: application/octet-stream`, the size of the file as `Content-Length`, and its bytes.',
      async () => {
        const [word] = random.words(1);
        for (const [ending, bytes] of [
          ['bin', randomBytes(random.integer(150_000, 250_000))],
          ['txt', Buffer.from(`é${word}\n`)],
          ['json', Buffer.alloc(0)],
        ] as const) {
          const name = `${word}.${ending}`;
          writeFileSync(join(files, name), bytes);
          checkFile(await get(name), bytes);
        }
      },
    );

    requirement(
      'A name may have a space, a `%`, an `é` or two dots in it: `a b.txt`, `50%.txt`, `é.txt`, `v1..v2.txt`.',
      async () => {
        const [word] = random.words(1);
        for (const name of [
          `${word} b.txt`,
          `50%.${word}`,
          `%41${word}.txt`,
          `é世${word}.txt`,
          `v1..${word}.txt`,
          `a+${word}.txt`,
        ]) {
          const bytes = Buffer.from(`${name}\n`);
          writeFileSync(join(files, name), bytes);
          // What the learner has of the same kind.
          const own = name.startsWith('50%') ? '50%25.txt' : name.startsWith('v1..') && 'v1..v2.txt';
          checkFile(
            await get(name),
            bytes,
            name.startsWith('v1..')
              ? 'Two dots in a name lead nowhere by themselves: put the path together, and judge where it leads.'
              : 'Express has decoded request.params.name once: it is the name of the file as it stands in the folder.',
            own ? { see: `curl -i "http://127.0.0.1:3000/files/${own}"` } : {},
          );
        }
      },
    );

    requirement(
      'While the reader does not read, the server reads no further in the file: one of 400 MB does not take 200 MB of memory.',
      async () => {
        const [word] = random.words(1);
        const name = `${word}.iso`;
        writeFileSync(join(files, name), '');
        truncateSync(join(files, name), bigFile * 1024 ** 2);
        const { program } = server;
        await program.caughtUp();
        const before = program.memory;
        const stream = server.request(`/files/${name}`);
        await expectSoon(
          () => stream.chunks.length > 0 || finished(stream),
          () => ({ cause: `${stream.name} has no answer.`, ...curl(stream, '-I') }),
          program,
          patience,
        );
        stream.pause();
        await program.caughtUp();
        expect(stream.status === 200, {
          cause: `${stream.name}, a file of ${bigFile} MiB, was answered with status ${stream.status ?? '(none)'}.`,
          compare: {
            expected: '200',
            received: `${stream.status ?? ''} ${visible(stream.broken ?? stream.text.slice(0, 80))}`.trim(),
          },
        });
        const grown = () => program.memory - before;
        const still = await standsStill(
          program,
          () => (grown() > memoryAhead ? Infinity : program.fileCalls === 0 ? 0 : NaN),
          0,
        );
        note('·', `the file has ${bigFile} MiB; the memory grew by ${grown().toFixed(0)} MiB`);
        expect(still && grown() <= memoryAhead, {
          cause: `The reader had stopped, and the server went on reading the file${grown() > memoryAhead ? `: its memory grew by more than ${memoryAhead} MiB` : ''}.`,
          advice:
            'readFile reads all of it before the first byte goes out, and a read stream whose data is only written on does not wait for the reader. pipeline and pipe do.',
        });
        expect(stream.headers['content-length'] === String(bigFile * 1024 ** 2), {
          cause: 'Content-Length is not the size of the file in bytes.',
          compare: {
            expected: String(bigFile * 1024 ** 2),
            received: stream.headers['content-length'] ?? '(no Content-Length)',
          },
        });
      },
    );

    requirement(
      'A name that leaves the folder is 404, and nothing outside is opened: with `../`, encoded once or twice, with a backslash, as an absolute path; so is a folder, and a name with a null byte.',
      async () => {
        const [word, inside, ...words] = random.words(6);
        const secret = `nobody is to read this: ${words.join(' ')}`;
        const outside = `${word}.txt`;
        const private_ = `${basename(files)}-private`;
        mkdirSync(join(folder, private_));
        mkdirSync(join(files, 'inner'));
        for (const path of [join(folder, outside), join(folder, private_, outside)]) writeFileSync(path, `${secret}\n`);
        writeFileSync(join(files, `${inside}.txt`), `${inside}\n`);

        const expectRefusal = async (path: string, advice: string) => {
          const answer = await ask(path);
          // What the learner has in the same places.
          const byHand = path.replace(outside, 'rows.ts').replace(`${inside}.txt`, 'notes.txt');
          const see = /^[.%/\da-f]*(rows\.ts|notes\.txt(%00)?)?$/.test(byHand) && {
            see: `curl -i --path-as-is "http://127.0.0.1:3000/files/${byHand}"`,
          };
          expect(!answer.text.includes(secret), {
            cause: `${answer.name} sent a file that is outside of the folder.`,
            compare: { expected: '404', received: `${answer.status} ${visible(answer.text)}` },
            advice,
            ...see,
          });
          expect(answer.status === 404, {
            cause:
              answer.status === undefined
                ? `The connection of ${answer.name} broke before an answer.`
                : `${answer.name} answered with status ${answer.status}.`,
            compare: {
              expected: '404',
              received: `${answer.status ?? ''} ${visible(answer.broken ?? answer.text.slice(0, 80))}`.trim(),
            },
            advice:
              answer.status === 400 || answer.status === 403
                ? 'Whoever asks learns from another status that the name means something here. sendFile with root refuses with 403: give it a callback, and answer 404.'
                : advice,
            ...see,
          });
        };
        const where =
          'Put the path together first, and then look where it leads: whether its folder is the one that you hand out.';
        await expectRefusal(`..%2f${outside}`, where);
        await expectRefusal(`%2e%2e%2f${outside}`, where);
        await expectRefusal(`../${outside}`, where);
        await expectRefusal(`inner%2f..%2f..%2f${outside}`, where);
        await expectRefusal(
          `....%2f%2f${outside}`,
          'Where ../ is taken out of ....// it comes into being. Refuse the name, and do not mend it.',
        );
        await expectRefusal(
          `..%2f${private_}%2f${outside}`,
          `The name of another folder can begin like yours: ${private_} begins with ${basename(files)}.`,
        );
        await expectRefusal(
          encodeURIComponent(join(folder, outside)),
          'path.resolve takes an absolute path as it is, and forgets the folder before it.',
        );
        const once =
          'A name is decoded once, and Express has done it: who decodes it again turns %2e into a dot after the check.';
        await expectRefusal(`%252e%252e%252f${outside}`, once);
        await expectRefusal(`..%252f${outside}`, once);
        await expectRefusal(
          `..%5c${outside}`,
          'On Windows a backslash divides a path as well: path.join and path.dirname know that.',
        );
        await expectRefusal(
          `..%2f${inside}.txt`,
          'The folder has a file with that name, but this name leads out of it: without its ../ it is another name. Refuse it, and do not mend it.',
        );
        const folderOnly =
          'A folder can be opened too, and reading it is an error: stat tells whether a path is a file.';
        await expectRefusal('inner', folderOnly);
        await expectRefusal('%2e', folderOnly);
        await expectRefusal('%2e%2e', folderOnly);
        await expectRefusal(
          `${inside}.txt%00`,
          'No name of a file has a null byte: open and stat throw on it. To the client it is one more file that is not there.',
        );
        await expectNotOpened();
      },
    );

    /** Where the system has named pipes: opening one to read waits until somebody writes, and somebody who writes sees it. */
    const expectNotOpened = async () => {
      if (process.platform === 'win32') return;
      const pipe = join(folder, 'pipe');
      try {
        execFileSync('mkfifo', [pipe], { stdio: 'ignore' });
      } catch {
        return;
      }
      const isOpen = () => {
        try {
          closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
          return true;
        } catch {
          return false;
        }
      };
      const answer = server.request('/files/', { path: '/files/..%2fpipe' });
      await until(() => finished(answer));
      await server.program.caughtUp();
      expect(!isOpen(), {
        cause: 'The server opened a file outside of the folder before it looked where the name leads.',
        advice: 'Look at the path first, and open only what may be sent: to open some files does something, or waits.',
      });
      expect(answer.status === 404, {
        cause: `${answer.name} answered with status ${answer.status}.`,
        compare: {
          expected: '404',
          received: `${answer.status ?? answer.broken} ${visible(answer.text.slice(0, 80))}`,
        },
        ...curl(answer),
      });
    };

    requirement(
      'A file that is not there, or is no longer there, is 404 with a sentence, not with a page of HTML; a file added while the server runs is sent.',
      async () => {
        const [word, other] = random.words(2);
        const expectNone = async (name: string, advice: string) => {
          const answer = await get(name);
          const compare = {
            expected: '404',
            received: `${answer.status ?? answer.broken} ${visible(answer.text.slice(0, 80))}`,
          };
          expect(answer.status === 404, {
            cause: `${answer.name} answered with status ${answer.status}: there is no such file.`,
            compare,
            advice,
            ...curl(answer),
          });
          expect(!/<!doctype|<html|^[ \t]+at /im.test(answer.text), {
            cause: 'The answer is a page of HTML, as Express makes one of an error or when no route answers.',
            compare: { expected: 'a sentence', received: visible(answer.text.slice(0, 80)) },
            advice: 'Answer by yourself: response.status(404) and a sentence, with json or with type and send.',
            ...curl(answer),
          });
          expect(/\S\s+\S/.test(answer.text), {
            cause: 'The answer does not say in a sentence what is wrong.',
            compare: { expected: 'There is no such file.', received: visible(answer.text) || '(an empty body)' },
            ...curl(answer),
          });
          expect(!answer.text.includes(folder), {
            cause: 'The answer tells where the folder is on this machine.',
            compare: { expected: 'There is no such file.', received: visible(answer.text).replaceAll(folder, '/…') },
            advice:
              'The message of an error is for your log; whoever asks needs to know only that there is no such file.',
            ...curl(answer),
          });
        };
        const open =
          'Before the head is out you can still choose the status: open the file first, and answer 404 when that fails.';
        await expectNone(`${word}.none`, open);
        const name = `${other}.note`;
        const bytes = Buffer.from(`${word} ${other}\n`);
        writeFileSync(join(files, name), bytes);
        checkFile(await get(name), bytes);
        rmSync(join(files, name));
        await expectNone(name, 'The file was there a moment ago: look each time, and remember nothing.');
        writeFileSync(join(files, name), Buffer.concat([bytes, bytes]));
        checkFile(await get(name), Buffer.concat([bytes, bytes]));
      },
    );
  });

  /** A client of the learner's that is at a download of the grader's. */
  type Download = {
    client: Program;
    call: Call;
    /** Where it was told to save to. */
    file: string;
    /** What stands beside the file, and under which names. */
    others(): string[];
    /** Whether it has put anything into the system's folder for temporary files. */
    temporary(): boolean;
  };

  const oldContent = Buffer.from('what was there before\n');

  async function download({ old = false } = {}): Promise<Download> {
    const own = join(folder, `download-${(downloads += 1)}`);
    mkdirSync(own);
    const file = join(own, `${random.words(1)[0]}.bin`);
    if (old) writeFileSync(file, oldContent);
    const site = await startGraderServer('/files/report.bin');
    const temporary = join(folder, `temporary-${downloads}`);
    mkdirSync(temporary);
    const client = startClientWith({ TMPDIR: temporary, TEMP: temporary, TMP: temporary }, site.url, file);
    const call = await site.call(client);
    return {
      client,
      call,
      file,
      temporary: () => readdirSync(temporary).length > 0,
      others: () => readdirSync(own).filter((name) => name !== basename(file)),
    };
  }
  let downloads = 0;

  const contentOf = (file: string): Buffer | undefined => {
    try {
      return readFileSync(file);
    } catch {
      return undefined;
    }
  };

  task({ number: 3, title: 'Write no faster than the disk', file: 'client.ts' }, () => {
    let running: Download;
    const sent: Buffer[] = [];

    /** Sends bytes, and waits until they are out and the client has handled them. */
    const send = async ({ call, client }: Download, bytes: Buffer) => {
      note('←', `(${count(bytes.length)} bytes)`);
      await new Promise<void>((resolve) => call.response.write(bytes, () => resolve()));
      await client.caughtUp();
    };

    requirement(
      'While `client.ts URL FILE` downloads, what has come stands under another name in the folder of FILE, and FILE is as it was before.',
      async () => {
        running = await download({ old: true });
        const { client, call, file, others } = running;
        call.response.writeHead(200, { 'content-type': 'application/octet-stream' });
        const bytes = randomBytes(200_000);
        sent.push(bytes);
        await send(running, bytes);
        const touched = () => !contentOf(file)?.equals(oldContent);
        await expectSoon(
          () => others().length > 0 || touched() || client.end,
          () =>
            running.temporary()
              ? {
                  cause: 'What has come is in the folder for temporary files, and not in the folder of FILE.',
                  advice:
                    'Write in the folder of FILE, under another name: from a folder that is on another file system, rename does not work.',
                }
              : {
                  cause: `${count(bytes.length)} bytes have come, and nothing of them is in the folder of FILE.`,
                  advice:
                    'Write each piece as it comes: what waits for the whole body, as text() and arrayBuffer() do, keeps it in memory. Or do you write it into another folder?',
                },
          client,
        );
        notCrashed(client, 'while it was downloading');
        expect(!client.end, {
          cause: 'The client ended while the download was going on.',
          ...said(client),
          ...cutShort(client, 'while it was downloading'),
        });
        expect(!touched(), {
          cause: 'FILE has changed, and the download was still going on.',
          advice: 'Whoever opens FILE now gets half of it. Write under another name, and rename when all is there.',
        });
      },
    );

    requirement('While the disk takes nothing, the client takes no more than 32 MB from the server.', async () => {
      sameCapture();
      const { client, call, file } = running;
      if (!(await client.holdDisk())) return;
      note('·', '(the disk takes nothing more)');
      const beside = dirname(file);
      const onDisk = () =>
        readdirSync(beside, { recursive: true }).reduce((sum, name) => sum + sizeOf(join(beside, String(name))), 0);
      const before = onDisk();
      const piece = randomBytes(1000);
      const block = Buffer.concat(Array.from({ length: 256 }, () => piece));
      let taken = 0;
      const pass = () => {
        while (taken < bytesAhead * 1.25) {
          sent.push(block);
          taken += block.length;
          if (!call.response.write(block)) return void call.response.once('drain', pass);
        }
      };
      pass();
      await standsStill(client, () => taken, Infinity);
      note('←', `(${count(taken)} bytes)`);
      // What is written by a call that ends in Sync cannot be held: then the disk has it.
      expect(taken - (onDisk() - before) <= bytesAhead, {
        cause:
          'The disk took nothing, and the client took more than 32 MB from the server: it keeps in memory what it cannot write.',
        advice:
          'The write of a stream returns false when it should have no more, and emits drain when it can go on. pipeline waits for that by itself; so does a loop that awaits each write.',
      });
      client.releaseDisk();
      note('·', '(the disk goes on)');
    });

    requirement(
      'When the download is whole, FILE has exactly its bytes, the other name is gone, and the client exits with code 0.',
      async () => {
        const { client, call, file, others } = running;
        const bytes = randomBytes(1000);
        sent.push(bytes);
        note('←', '(the rest, and the end of the response)');
        call.response.end(bytes);
        await expectSoon(
          () => client.end ?? client.verdict,
          () => ({ cause: 'The download has ended, and the client goes on running.' }),
          client,
          patience,
        );
        notCrashed(client, 'at the end of the download');
        const content = contentOf(file);
        const whole = Buffer.concat(sent);
        expect(content?.equals(whole), {
          cause: !content
            ? 'FILE is not there.'
            : content.equals(oldContent)
              ? 'FILE has still its old content.'
              : content.length < whole.length
                ? 'FILE has fewer bytes than the body.'
                : 'FILE has other bytes than the body.',
          advice:
            content && content.length >= whole.length
              ? 'A body is bytes: as text, some of them become others.'
              : 'Rename the file when the last byte is written, and not before.',
          ...said(client),
        });
        expect(others().length === 0, {
          cause: 'Something stands beside FILE when the download is over.',
          compare: { expected: basename(file), received: [basename(file), ...others()].join(', ') },
          advice: 'rename moves a file; a copy leaves it where it was.',
        });
        expect(client.end?.code === 0, {
          cause: 'The download is whole, and the client did not exit with code 0.',
          compare: { expected: '0', received: String(client.end?.code ?? client.end?.signal) },
          ...said(client),
        });
      },
    );

    requirement(
      'An answer other than 2xx, a body that breaks off and a FILE in a folder that is not there: one line on standard error, exit code 1, no other name is left, and FILE is as it was before.',
      async () => {
        const status = random.pick([404, 410, 500, 503]);
        const checkFailed = async ({ client, file, others }: Download, what: string, advice: string, old?: Buffer) => {
          await expectEnd(run, client, `There was ${what}, and the client goes on running.`);
          const content = contentOf(file);
          expect(old ? content?.equals(old) : content === undefined, {
            cause: `After ${what}, FILE is ${old ? 'not what it was before' : 'there'}: whoever finds it takes it for the download.`,
            compare: {
              expected: old ? `its ${old.length} old bytes` : '(no file)',
              received: content ? `${count(content.length)} bytes` : '(no file)',
            },
            advice:
              old && !content
                ? 'FILE is not yours to remove: remove what you have begun under the other name.'
                : advice,
          });
          // Node ends a program with this code when nothing is left that could go on.
          expect(client.end?.code !== 13, {
            cause: `After ${what}, the client waited for something that never came, and ended.`,
            advice,
          });
          checkComplaint(client, what, { silent: advice });
          expect(others().length === 0, {
            cause: `After ${what}, a half file is left behind.`,
            compare: { expected: '(nothing)', received: others().join(', ') },
            advice: 'rm with { force: true } removes a file if it is there: call it wherever the download has failed.',
          });
        };

        const refused = await download({ old: true });
        refused.call.response.writeHead(status, { 'content-type': 'text/plain' });
        note('←', `${status} no such report`);
        refused.call.response.end('no such report\n');
        const ok = 'fetch rejects only when there is no answer: look at response.ok before you save anything.';
        await checkFailed(refused, `an answer with status ${status}`, ok, oldContent);

        const short = await download();
        const bytes = randomBytes(50_000);
        short.call.response.writeHead(200, { 'content-length': String(bytes.length + random.integer(1, 1000)) });
        await send(short, bytes);
        note('←', '(the connection is closed)');
        short.call.response.socket!.end();
        const whole =
          'A body that is not whole ends with an error: pipeline rejects with it, and so does a loop with for await; pipe leaves it to you.';
        await checkFailed(short, 'a body shorter than its Content-Length', whole);

        const broken = await download({ old: true });
        broken.call.response.writeHead(200, { 'content-type': 'application/octet-stream' });
        await send(broken, bytes);
        broken.call.breakOff();
        await checkFailed(broken, 'a body that breaks off', whole, oldContent);

        // Who opens FILE before the request never sends one.
        const site = await startGraderServer('/files/report.bin');
        const lost = startClient(site.url, join(folder, 'not-there', 'report.bin'));
        const call = await site.call(lost).catch(() => undefined);
        call?.response.end(bytes);
        await expectEnd(run, lost, 'The folder of FILE is not there, and the client goes on running.');
        checkComplaint(lost, 'a FILE in a folder that is not there');
      },
    );
  });

  const sizeOf = (path: string): number => {
    try {
      return statSync(path).size;
    } catch {
      return 0;
    }
  };

  const said = ({ stderr }: Program) => (stderr ? { output: stderr.trim().split('\n').slice(0, 6).join('\n') } : {});
});
