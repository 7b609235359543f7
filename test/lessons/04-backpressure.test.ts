import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { crashed, explainEnd, explainError } from '../harness/programs/crash-report.ts';
import { cutShort } from '../harness/programs/exit-report.ts';
import { adviceOn, nothingToRemove } from '../harness/programs/known-errors.ts';
import { freePort } from '../harness/programs/ports.ts';
import type { Program } from '../harness/programs/program.ts';
import { Failure, expect, type Explanation } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { promptMs } from '../harness/run/waits.ts';
import { checkComplaint, keptAlive, lastWords, notCrashed } from '../harness/vocabulary/command-line.ts';
import { startDownload, type Download } from '../harness/vocabulary/download.ts';
import { curl, expectHeader, expectStatus, finished, received } from '../harness/vocabulary/http.ts';
import { namedPipe } from '../harness/vocabulary/named-pipe.ts';
import { comesToRest, expectProgress, staysAtRest, stepMs } from '../harness/vocabulary/progress.ts';
import { count, firstRows, readRows, rowsAhead, type RowReader } from '../harness/vocabulary/row-reader.ts';
import type { Ask, Exchange } from '../harness/wire/exchange.ts';
import { visible } from '../harness/wire/printable.js';

const MiB = 1024 ** 2;

/** Steps of a slow disk in which a download of less than half a megabyte comes to its end. */
const mostSteps = 200;

/** Steps of the disk in which a server has looked at a file and opened it. */
const stepsToOpen = 6;

export default grader((run) => {
  const { missing, note, random, requirement, sameCapture, startClient } = run;
  const { startGraderServer, startServer, task, temporaryFolder } = run;

  const folder = temporaryFolder();
  const files = join(folder, 'files');
  mkdirSync(files);

  let server: Server;
  /** The timers for which the server waits when nobody has asked it for anything. */
  let ownTimers = 0;
  /** The files that it has open then. */
  let ownFiles = 0;

  const word = () => random.words(1)[0]!;

  /** Bytes with every value among them, so that no encoding of text leaves them as they are. */
  function randomBytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let i = 0; i < length; i++) bytes[i] = i < 256 ? i : random.integer(0, 255);
    return bytes;
  }

  /** A reader has gone away, and the server still runs. */
  async function expectAlive({ program }: Server): Promise<void> {
    await program.caughtUp();
    if (!(program.end ?? program.verdict)) return;
    throw new Failure(explainEnd(program, 'when a reader had gone away'));
  }

  task({ number: 1, title: 'Wait for the reader', file: 'server.ts' }, () => {
    let first: RowReader;
    let second: RowReader;
    /** The rows that were made for a reader that has gone away. */
    let lost = 0;

    const measure = {
      see: 'node --import tsx lessons/04-backpressure/examples/measure.ts lessons/04-backpressure/server.ts',
    };
    const awaitDrain =
      'Use pipeline, or wait for the event drain of the response when write has returned false, and then write the next row.';

    /** The readers have stopped, and so does the server. */
    async function expectRest(readers: RowReader[]): Promise<void> {
      const { program } = server;
      const ahead = () => program.rows - lost - readers.reduce((sum, { rows }) => sum + rows, 0);
      const limit = rowsAhead * readers.length;
      const rests = await comesToRest(run, program, ahead, limit);
      note('·', `${count(program.rows)} rows made`);
      if (!rests) {
        missing('the server stops making rows');
        throw new Failure({
          cause:
            ahead() > limit
              ? `The reader had stopped, but your server made more than ${count(rowsAhead)} rows ahead of it.`
              : 'The reader had stopped, but your server continued to make rows.',
          advice:
            'Use pipeline, or wait for the event drain before you ask for the next row. When write returns false, Node has begun to keep your rows in memory.',
          ...measure,
        });
      }
      const atRest = await staysAtRest(run, program, ahead, ownTimers);
      if (atRest) return;
      note('·', `${count(program.rows)} rows made`);
      missing('the server stops making rows');
      throw new Failure({
        cause: 'The reader had stopped, but your server made more rows after a pause.',
        advice:
          'Wait for the event drain instead of a timer, or use pipeline: only drain tells you that the reader has taken your rows.',
        ...measure,
      });
    }

    requirement(
      'For `GET /export`, the server answers with status 200 and `Content-Type: application/x-ndjson`, and sends each row of `rows()` as one line of JSON. The first rows arrive while `rows()` still has more.',
      async () => {
        server = await startServer({ FILES_FOLDER: files });
        await server.program.caughtUp();
        ownTimers = server.program.timers;
        ownFiles = server.program.openFiles;
        first = readRows(server, ownTimers);
        // More than a response takes before its first write returns false: 16 KiB, and 64 from Node.js 22 on.
        await first.readTo(random.integer(100, 150), () => {
          if (first.rows > 0)
            return {
              cause: 'The reader was reading, but your server sent no more rows after the first ones.',
              advice: awaitDrain,
            };
          return {
            cause:
              server.program.rows > rowsAhead
                ? 'Your server took row after row from rows(), but sent no row.'
                : 'Your server has sent no row.',
            advice:
              'Write each row as soon as rows() has given it to you. An array or a string of all rows is as large as the table.',
          };
        });
      },
    );

    requirement(
      'If a reader stops reading, the server stops asking `rows()` for more rows. The server is then at most 30,000 rows ahead of this reader.',
      async () => {
        sameCapture();
        await expectRest([first]);
      },
    );

    requirement(
      'If one reader has stopped, the server still sends another reader its rows, beginning with the first row.',
      async () => {
        second = readRows(server, ownTimers, 'reader 2');
        await second.readTo(random.integer(200, 2000), () => ({
          cause: `While one reader had stopped, your server sent another reader ${second.rows > 0 ? 'only its first rows' : 'no rows'}.`,
          advice:
            'Call rows() and pipeline for each request, inside the handler. Then a reader that has stopped holds up nobody else.',
        }));
        await expectRest([first, second]);
      },
    );

    requirement(
      'If a reader goes away before the end, the server closes the generator that `rows()` returned for this reader.',
      async () => {
        const { program } = server;
        const [made, cursors] = [program.rows, program.cursors];
        const third = readRows(server, ownTimers, 'reader 3');
        await third.readTo(random.integer(200, 2000), () => ({
          cause: 'While two readers had stopped, your server did not send a third reader its rows.',
          advice: 'Call rows() and pipeline for each request, inside the handler.',
        }));
        await expectRest([first, second, third]);
        third.stream.close();
        await expectProgress(
          run,
          program,
          () => program.cursors <= cursors,
          () => 0,
          () => {
            missing('the generator of rows() is closed');
            return {
              cause:
                'A reader had gone away, but your server did not close the generator of rows() for it, so the query stays open for ever.',
              advice:
                'Use pipeline: it closes its source when the response is closed. pipe does not, and a loop that waits for drain waits for ever, because drain never comes after the reader has gone. In a loop of your own, end the wait and leave the loop when the response emits close.',
            };
          },
          promptMs,
        );
        await expectAlive(server);
        lost = program.rows - made;
      },
    );

    requirement(
      'If a reader that has stopped reads again, the server continues, sends every row once and in order, and ends the response after the last row.',
      async () => {
        const { program } = server;
        first.stream.resume();
        const moreThanOnTheWay = program.rows - lost - second.rows + random.integer(150, 1500);
        await first.readTo(moreThanOnTheWay, () => ({
          cause: 'The reader was reading again, but your server did not continue with the next rows.',
          advice: awaitDrain,
        }));
        await expectRest([first, second]);
        program.finishTable();
        await first.readToEnd();
        await second.readToEnd();
        await program.caughtUp();
        // On a busy machine, rows for these two may have been made while the third reader was there: they count as lost, too.
        expect(first.rows + second.rows >= program.rows - lost, {
          cause: 'Your server ended the response, but it had not written the last rows.',
          advice: 'End the response only after the last row has been written. Look for rows that are kept for a batch.',
          ...firstRows,
        });
      },
    );
  });

  task({ number: 2, title: 'Send a file', file: 'server.ts' }, () => {
    const add = (name: string, bytes: string | Buffer = `${name}\n`) => writeFileSync(join(files, name), bytes);

    /** Waits for the end of a response. */
    async function ended(answer: Exchange, advice: string): Promise<Exchange> {
      await expectProgress(
        run,
        server.program,
        () => finished(answer),
        () => answer.chunks.length,
        () => {
          missing('the end of the response');
          return {
            cause: `Your server did not ${answer.status === undefined ? 'answer' : 'end its response to'} ${answer.name}.`,
            advice: 'Answer every request and end every response, also when there is no such file.',
            ...curl(answer, '-i'),
          };
        },
      );
      expect(answer.status !== undefined, {
        cause: `Your server broke off the connection of ${answer.name} before it had answered.`,
        advice,
      });
      return answer;
    }

    /** Asks for a file, by its path as it goes out, and waits for the end of the response. */
    const ask = (path: string, advice: string, { ifItThrows = { advice }, ...more }: Ask = {}): Promise<Exchange> =>
      ended(server.request('/files/', { path: `/files/${path}`, ifItThrows, ...more }), advice);
    const get = (name: string, advice: string) => ask(encodeURIComponent(name), advice);

    /** The grader's files are in a folder of its own; these the learner has too. */
    const byHand = (path: string) => ({ see: `curl -i --path-as-is "http://127.0.0.1:3000/files/${path}"` });
    const notes = { see: 'curl -i http://127.0.0.1:3000/files/notes.txt' };

    /** How much the server had printed on standard error when it was looked at last. */
    let printed = 0;

    const leftIsNoFault =
      'Answer 404 only if response.headersSent is false, and do not throw the error. Your code also gets an error when the client goes away: this is not a fault, and the headers have been sent already.';

    const bodyOf = ({ chunks }: Exchange) => Buffer.concat(chunks.map(({ bytes }) => bytes));

    function expectSize(answer: Exchange, bytes: number): void {
      const none = answer.headers['content-length'] === undefined;
      expectHeader(answer, 'Content-Length', (length) => !none && Number(length) === bytes, String(bytes), {
        cause: none
          ? 'Your server sent no Content-Length, so a client cannot tell how much is still to come.'
          : 'Your server sent a Content-Length that is not the size of the file in bytes.',
        advice: 'Ask stat for the size in bytes before you send the first byte, and for each request again.',
        ...notes,
      });
    }

    function expectHead(answer: Exchange, size: number, advice: string, see: { see?: string } = notes): void {
      expectStatus(answer, 200, { advice, see: notes.see, ...see });
      expectHeader(
        answer,
        'Content-Type',
        (type) => /^application\/octet-stream$/i.test(type),
        'application/octet-stream',
        {
          cause: 'Your server sent a file with the wrong Content-Type.',
          advice:
            'Set Content-Type to application/octet-stream, also when the name of the file ends with .txt or .json: these are bytes.',
          ...notes,
        },
      );
      expectSize(answer, size);
    }

    function expectFile(
      answer: Exchange,
      bytes: Buffer,
      advice = 'Answer with status 200, Content-Type, Content-Length and the bytes of the file.',
      see: { see?: string } = notes,
      wrongBytes: Partial<Explanation> = {},
    ): void {
      expectStatus(answer, 200, { advice, see: notes.see, ...see });
      const body = bodyOf(answer);
      const other = !body.equals(bytes);
      if (other && wrongBytes.cause !== undefined) throw new Failure({ cause: wrongBytes.cause, ...wrongBytes });
      expectHead(answer, bytes.length, advice, see);
      expect(answer.ended && !other, {
        cause: answer.ended
          ? 'Your server sent a body whose bytes differ from those of the file.'
          : `Your server broke off the connection after ${count(body.length)} of ${count(bytes.length)} bytes.`,
        advice: 'Send the bytes as they are: as text, some of them change. Send nothing after the last byte.',
        ...notes,
      });
    }

    requirement(
      'For `GET /files/:name`, the server answers with status 200, `Content-Type: application/octet-stream`, the size of the file in bytes as `Content-Length`, and the bytes of the file.',
      async () => {
        const name = word();
        for (const [ending, bytes, advice] of [
          [
            'bin',
            randomBytes(random.integer(150_000, 250_000)),
            'Send the whole file, whatever its bytes are: open it, ask stat for its size, and send it through a pipeline.',
          ],
          [
            'txt',
            Buffer.from(`é${name}\n`),
            'Count the bytes and not the characters: stat tells the size of the file.',
          ],
          ['json', Buffer.alloc(0), 'Send a file also when it is empty: its Content-Length is 0.'],
        ] as const) {
          add(`${name}.${ending}`, bytes);
          expectFile(await get(`${name}.${ending}`, advice), bytes, advice);
        }
        await expectClosed({
          cause: 'Your server sent whole files, but did not close them.',
          advice:
            'Call await file.close() after the last byte too, or send the file through a pipeline, which closes it at its end.',
        });
      },
    );

    requirement(
      'If a name contains a space, a `%`, a `+`, an `é` or two dots, the server sends the file with exactly this name: for `%2541.txt` the file `%41.txt`, and never `A.txt`.',
      async () => {
        const part = word();
        const decoded =
          'Use request.params.name as it is: Express has decoded it once, and a file may have a name with a % in it.';
        const dots =
          'Put the path together with join, and check where it leads: two dots inside a name lead nowhere else.';
        const exact =
          'Look for the file with exactly the name in request.params.name, and change nothing in this name.';
        const signs =
          'Do not search the name for signs that look dangerous. Put the path together with join, and check only where it leads.';
        // The last is a name that somebody who decodes again takes it for.
        for (const [name, advice, own, taken] of [
          [`${part} b.txt`, decoded, undefined, undefined],
          [` ${part}.txt`, exact, undefined, undefined],
          [`50%.${part}`, decoded, '50%25.txt', undefined],
          [`%41${part}.txt`, decoded, undefined, `A${part}.txt`],
          [`%C3%A9${part}.txt`, decoded, undefined, `é${part}.txt`],
          [`é世${part}.txt`, decoded, undefined, undefined],
          [`v1..${part}.txt`, dots, 'v1..v2.txt', undefined],
          [`a+${part}.txt`, exact, undefined, `a ${part}.txt`],
          [`$a & b's; (1)#${part}.txt`, signs, undefined, undefined],
        ] as const) {
          const see = own ? byHand(own) : notes;
          const wrongBytes = {
            cause: taken
              ? `Your server was asked for the file ${name}, but it sent the file ${taken}.`
              : `Your server was asked for the file ${name}, but it did not send the bytes of this file.`,
            advice,
            ...see,
          };
          if (taken) add(taken);
          add(name);
          expectFile(await get(name, advice), Buffer.from(`${name}\n`), advice, see, wrongBytes);
        }
      },
    );

    requirement(
      'If the client stops reading, the server stops reading the file: for a file of 400 MB, the memory of the server grows by less than 200 MB. If the client goes away, the server closes the file.',
      async () => {
        const { program } = server;
        const [size, memoryLimit] = [400, 200];
        const name = `${word()}.iso`;
        add(name, '');
        truncateSync(join(files, name), size * MiB);
        await program.caughtUp();
        const before = program.memory;
        const grown = () => program.memory - before;
        const stream = server.request(`/files/${name}`);
        await expectProgress(
          run,
          program,
          () => stream.chunks.length > 0 || finished(stream),
          () => 0,
          () => ({
            cause: `Your server sent nothing of a file of ${size} MiB.`,
            advice: 'Send each piece of the file as soon as you have read it.',
            ...curl(stream, '-i'),
          }),
        );
        stream.pause();
        await program.caughtUp();
        const readInPieces =
          'Send the file through a pipeline with a read stream as its source. readFile reads the whole file before the first byte goes out, and a listener for data continues to read while nobody takes what it writes.';
        expectStatus(stream, 200, { cause: `Your server did not send a file of ${size} MiB.`, advice: readInPieces });
        // Still at a call of the file system, the server is reading: NaN differs from itself.
        const reading = () => (grown() > memoryLimit ? Infinity : program.fileCalls === 0 ? 0 : Number.NaN);
        const rests = await comesToRest(run, program, reading, 0);
        const atRest = rests && (await staysAtRest(run, program, () => program.sent, ownTimers));
        note('·', `the file has ${size} MiB; the memory grew by ${grown().toFixed(0)} MiB`);
        expect(!rests || atRest, {
          cause: 'The client had stopped reading, but your server read more of the file after a pause.',
          advice:
            'Wait for the event drain instead of a timer, or use pipeline: only drain tells you that the client has taken your bytes.',
          ...notes,
        });
        expect(rests && grown() <= memoryLimit, {
          cause: `The client had stopped reading, but your server continued to read the file${grown() > memoryLimit ? `, and its memory grew by more than ${memoryLimit} MiB` : ''}.`,
          advice: readInPieces,
        });
        expectSize(stream, size * MiB);
        printed = program.stderr.length;
        stream.close();
        await expectAlive(server);
        await expectClosed({
          cause: 'The client had gone away, but your server did not close the file that it was sending.',
          advice:
            'Use pipeline: it closes the file when the client goes away. pipe does not, so destroy the read stream when the response emits close.',
        });
        if (program.stderr.includes('ERR_HTTP_HEADERS_SENT', printed))
          throw new Failure({
            ...explainError(program, printed, ''),
            cause: 'The client had gone away, but your server tried to answer it once more.',
            advice: leftIsNoFault,
          });
        await expectClosedAfterLeaving(`/files/${name}`);
        printed = program.stderr.length;
      },
    );

    /** A client goes away while the server is still opening the file for it. */
    async function expectClosedAfterLeaving(path: string): Promise<void> {
      const { program } = server;
      if (!(await program.holdDisk())) return;
      const stream = server.request(path);
      // What the program said last may be older than this request.
      for (let looks = 0; looks < 100; looks++) {
        await program.caughtUp();
        if (program.fileCalls > 0 || stream.status !== undefined) break;
        await run.until(() => false, 5);
      }
      stream.close();
      // When the server has answered a later request, it has also noticed that this client is gone.
      const later = server.request('/ping');
      await run.until(() => finished(later));
      for (let step = 0; step < stepsToOpen; step++) {
        await program.caughtUp();
        await program.stepDisk();
      }
      program.releaseDisk();
      await expectAlive(server);
      await expectClosed({
        cause: 'The client went away while your server was opening the file, and your server did not close this file.',
        advice:
          'After the last await before the first byte, ask whether response.destroyed is true, and close the file then: the event close does not come again, and newer versions of Node.js begin no pipeline to a response that is closed already.',
      });
    }

    requirement(
      'If several clients ask for files at the same time, the server sends each client the bytes of its own file, even if one of them stops reading for a while.',
      async () => {
        const { program } = server;
        const advice =
          'Declare the path, the file and each buffer inside the handler: variables outside it are shared by all requests. Use a buffer again only after its bytes have been sent.';
        const wrongBytes = {
          cause:
            'Several clients were downloading at the same time, and one of them did not receive the bytes of its file.',
          advice,
        };
        // Larger than all buffers on the way, and no two pieces of it are the same.
        const large = Buffer.alloc(16 * MiB);
        for (let i = 0; i < large.length; i += 4) large.writeUInt32LE(i, i);
        const name = word();
        add(`${name}.large`, large);
        const others = [1, 2, 3, 4].map((number) => {
          const bytes = randomBytes(random.integer(70_000, 90_000));
          add(`${name}.${number}`, bytes);
          return { bytes, path: `/files/${name}.${number}`, who: `client ${number + 1}` };
        });

        const slow = server.request(`/files/${name}.large`, { who: 'client 1', ifItThrows: { advice } });
        await expectProgress(
          run,
          program,
          () => slow.chunks.length > 0 || finished(slow),
          () => 0,
          () => ({ cause: `Your server did not answer ${slow.name}.`, advice, ...curl(slow, '-i') }),
        );
        slow.pause();
        await comesToRest(run, program, () => program.sent);
        // All of them wait at the same step of the disk, and nobody is served before the others have come.
        const held = await program.holdDisk();
        const answers = others.map(({ path, who }) => server.request(path, { who, ifItThrows: { advice } }));
        for (let step = 0; held && step < stepsToOpen; step++) {
          await program.caughtUp();
          await program.stepDisk();
        }
        program.releaseDisk();
        for (const [i, { bytes }] of others.entries())
          expectFile(await ended(answers[i]!, advice), bytes, advice, notes, wrongBytes);
        slow.resume();
        expectFile(await ended(slow, advice), large, advice, notes, wrongBytes);
        rmSync(join(files, `${name}.large`));
      },
    );

    requirement(
      'If a name tries to leave the folder, with `../` (plain or encoded once or twice), a backslash or an absolute path, the server answers with status 404 and opens no file outside.',
      async () => {
        const [outside, inside] = random.words(2).map((name) => `${name}.txt`) as [string, string];
        const secret = `nobody is to read this: ${random.words(4).join(' ')}`;
        const sibling = 'files-private';
        mkdirSync(join(folder, sibling));
        mkdirSync(join(files, 'inner'));
        for (const path of [join(folder, outside), join(folder, sibling, outside)]) writeFileSync(path, `${secret}\n`);
        add(inside);

        const where = 'Put the path together with join first, and then check that its dirname is your folder.';
        const mended = 'Refuse the name instead of repairing it: removing ../ from ....// leaves ../ behind.';
        const begins = `Compare whole folders, with dirname: the name of another folder can begin like yours, as ${sibling} does.`;
        const absolute =
          'Put the path together with path.join: path.resolve takes an absolute path and forgets your folder.';
        const once =
          'Use the name as Express has decoded it: if you decode it again, %2e becomes a dot after your check.';
        const backslash =
          'Let path.join and path.dirname judge the path: on Windows, a backslash divides a path as well.';
        const another =
          'Refuse the name instead of repairing it: the folder has a file of this name, but this path leads out of the folder.';

        // The third is what the learner has in the same place.
        await expectRefused(
          [
            [`..%2f${outside}`, where, '..%2frows.ts'],
            [`%2e%2e%2f${outside}`, where, '%2e%2e%2frows.ts'],
            [`../${outside}`, where, '../rows.ts'],
            [`inner%2f..%2f..%2f${outside}`, where, undefined],
            [`....%2f%2f${outside}`, mended, '....%2f%2frows.ts'],
            [`..%2f${sibling}%2f${outside}`, begins, undefined],
            [encodeURIComponent(join(folder, outside)), absolute, undefined],
            [`%252e%252e%252f${outside}`, once, '%252e%252e%252frows.ts'],
            [`..%252f${outside}`, once, '..%252frows.ts'],
            [`..%5c${outside}`, backslash, '..%5crows.ts'],
            [`..%2f${inside}`, another, '..%2fnotes.txt'],
          ],
          secret,
        );
        await expectNotOpened();
      },
    );

    requirement(
      'If the name is that of a folder, or contains a null byte, the server answers with status 404 and closes what it has opened.',
      async () => {
        const name = `${word()}.txt`;
        add(name);
        const noFile =
          'Ask stat whether the path is a file, and answer 404 otherwise: a folder can be opened too, but reading it is an error.';
        const nullByte = 'Catch what open and stat throw, and answer 404: no file has a null byte in its name.';
        await expectRefused([
          ['inner', noFile, undefined],
          ['%2e', noFile, '%2e'],
          ['%2e%2e', noFile, '%2e%2e'],
          [`${name}%00`, nullByte, 'notes.txt%00'],
          [`%00`, nullByte, '%00'],
        ]);
        await expectClosed({
          cause: 'Your server opened a folder to look at it, but did not close it after the answer 404.',
          advice: 'Call await file.close() before you answer 404: a file handle stays open until you close it.',
        });
      },
    );

    /** The server has no file open that it has opened for a request. */
    async function expectClosed(explanation: Explanation): Promise<void> {
      const { program } = server;
      const began = performance.now();
      for (let looks = 0; looks < 60 || program.fileCalls > 0; looks++) {
        await program.caughtUp();
        if (program.openFiles <= ownFiles || performance.now() - began > stepMs) break;
        await run.until(() => false, 25);
      }
      // A file handle that nobody closes is closed when its memory is needed, and Node says so.
      const collected = /Closing (a FileHandle object|file descriptor \d+) on garbage collection/.test(program.stderr);
      expect(program.openFiles <= ownFiles && !collected, explanation);
    }

    /** Each of these paths is answered with 404, and the secret is in no answer. */
    async function expectRefused(
      cases: readonly (readonly [path: string, advice: string, own: string | undefined])[],
      secret?: string,
    ): Promise<void> {
      const thrown =
        'Open the file before you send the status and the headers. Catch what open and stat throw, and answer 404.';
      for (const [path, advice, own] of cases) {
        const answer = await ask(path, advice, { ifItThrows: { advice: thrown } });
        const leaks = secret !== undefined && answer.text.includes(secret);
        expect(!leaks && answer.status === 404, {
          cause: leaks
            ? `Your server answered ${answer.name} with a file that is outside of the folder.`
            : `Your server answered ${answer.name} with status ${answer.status} instead of 404.`,
          compare: { expected: '404', received: received(answer) },
          advice: answer.status === 400 || answer.status === 403 ? noOtherStatus : advice,
          ...(own && byHand(own)),
        });
        await expectStopped(answer);
      }
    }

    /** After its answer, the server has done nothing more for this request. */
    async function expectStopped({ name }: Exchange): Promise<void> {
      const { program } = server;
      const from = printed;
      await program.caughtUp();
      printed = program.stderr.length;
      if (!/ERR_HTTP_HEADERS_SENT|TypeError: Cannot read/.test(program.stderr.slice(from))) return;
      throw new Failure({
        ...explainError(program, from, ''),
        cause: `Your server answered ${name} with status 404, but continued after that, as if there were a file.`,
        advice: 'Write return after the answer 404: sending an answer does not leave the function.',
      });
    }

    const noOtherStatus =
      'Answer with status 404, as for a name that is not there: another status tells that there is something. sendFile with root refuses with 403, so give it a callback.';

    /** Where the system has named pipes, one outside of the folder tells whether the server has opened it. */
    async function expectNotOpened(): Promise<void> {
      const opened = namedPipe(join(folder, 'pipe'));
      if (!opened) return;
      const answer = server.request('/files/', { path: '/files/..%2fpipe' });
      const advice =
        'Look at the path first, and open only what may be sent: opening some files does something, or waits.';
      await expectProgress(
        run,
        server.program,
        () => opened() || finished(answer),
        () => 0,
        () => ({ cause: `Your server did not answer ${answer.name}.`, advice, ...curl(answer, '-i') }),
      );
      await server.program.caughtUp();
      expect(!opened(), {
        cause: 'Your server opened a file outside of the folder before it checked where the name leads.',
        advice,
      });
      expectStatus(answer, 404, { advice });
    }

    async function expectNone(name: string, advice: string): Promise<void> {
      const answer = await get(name, advice);
      const beginning = visible(answer.text.slice(0, 80)) || '(an empty body)';
      expectStatus(answer, 404, {
        cause: `Your server answered ${answer.name} with status ${answer.status} although there is no such file.`,
        advice,
      });
      expect(!/<!doctype|<html|^[ \t]+at /im.test(answer.text), {
        cause:
          'Your server let Express answer: Express sends a page of HTML for an error and when no handler has answered.',
        compare: { expected: 'a short text', received: beginning },
        advice: 'Answer yourself: set the status with response.status(404), and send a short text with send or json.',
        ...curl(answer, '-i'),
      });
      expect(/\S/.test(answer.text), {
        cause: 'Your server answered with status 404, but without a text that says what is wrong.',
        compare: { expected: 'There is no such file.', received: beginning },
        advice: 'Send a short text as the body: the person who asks may not know what 404 means.',
        ...curl(answer, '-i'),
      });
      expect(!answer.text.includes(folder), {
        cause: 'Your server told the client where the folder is on this machine.',
        compare: { expected: 'There is no such file.', received: visible(answer.text).replaceAll(folder, '/…') },
        advice: 'Say only that there is no such file, and keep the message of the error for your log.',
        ...curl(answer, '-i'),
      });
      await expectStopped(answer);
    }

    const again =
      'Look at the file again for each request, and remember nothing about it: a file can be added, changed and removed.';

    requirement(
      'If there is no file with this name, the server answers with status 404 and a short text. The answer is not an HTML page, and it keeps the path of the folder secret.',
      async () => {
        const openFirst = 'Open the file before you send the status and the headers, and answer 404 when that fails.';
        await expectNone(`${word()}.none`, openFirst);
        // There is a file with the name that somebody would look for who decodes again.
        const part = word();
        const exact =
          'Look only for the file with the name in request.params.name. Express has decoded this name once; do not try it decoded again.';
        for (const [asked, taken] of [
          [`%41${part}.txt`, `A${part}.txt`],
          [`a+${part}.txt`, `a ${part}.txt`],
        ] as const) {
          add(taken);
          await expectNone(asked, exact);
        }
      },
    );

    requirement(
      'If a file is added, changed or removed while the server is running, the server answers with the file as it is now, or with status 404.',
      async () => {
        const name = `${word()}.note`;
        await expectNone(name, again);
        for (const text of [`${name}\n`, `${name} has changed\n`, `${name} has changed!\n`]) {
          add(name, text);
          expectFile(await get(name, again), Buffer.from(text), again);
        }
        rmSync(join(files, name));
        await expectNone(name, again);
      },
    );

    requirement(
      'For `HEAD`, the server sends the same status, `Content-Type` and `Content-Length` as for `GET`, and no body.',
      async () => {
        const name = `${word()}.bin`;
        const bytes = randomBytes(random.integer(10_000, 20_000));
        add(name, bytes);
        const advice =
          'Register the handler with app.get, which also handles HEAD, and set the headers before you send: Node leaves out the body.';
        const see = { see: 'curl -I http://127.0.0.1:3000/files/notes.txt' };
        expectHead(await ask(name, advice, { method: 'HEAD' }), bytes.length, advice, see);
        expectStatus(await ask(`${name}.none`, advice, { method: 'HEAD' }), 404, { advice, ...see });
        await expectClosed({
          cause: 'Your server opened the file to answer HEAD, but did not close it.',
          advice:
            'Close the file also when you send nothing of it: call await file.close(), or leave HEAD to the pipeline, which closes it.',
        });
      },
    );

    requirement(
      'For `POST`, `PUT`, `PATCH` or `DELETE`, the server answers with status 404 or 405 and sends no file.',
      async () => {
        const name = `${word()}.txt`;
        const text = `${random.words(6).join(' ')}\n`;
        add(name, text);
        const advice =
          'Register the handler with app.get instead of app.all or app.use: a client that sends another method wants to change something, and must not be told that all is well.';
        for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
          const answer = await ask(name, advice, { method, ...(method !== 'DELETE' && { body: 'something else' }) });
          const see = { see: `curl -i -X ${method} http://127.0.0.1:3000/files/notes.txt` };
          expect(answer.status === 404 || answer.status === 405, {
            cause: `Your server answered ${method} with status ${answer.status}, although it only hands out files.`,
            compare: { expected: '404 or 405', received: received(answer) },
            advice,
            ...see,
          });
          expect(!answer.text.includes(text), {
            cause: `Your server answered ${method} with status ${answer.status}, but it sent the file as the body.`,
            advice,
            ...see,
          });
          const path = join(files, name);
          expect(existsSync(path) && readFileSync(path, 'utf8') === text, {
            cause: `Your server changed or removed the file for ${method}.`,
            advice,
            ...see,
          });
        }
      },
    );
  });

  task({ number: 3, title: 'Wait for the disk', file: 'client.ts' }, () => {
    const oldContent = Buffer.from('what was there before\n');
    let running: Download;
    const sent: Buffer[] = [];
    const bytesType = { 'content-type': 'application/octet-stream' };

    const asIs = 'Write the body as bytes: as text, some of them change.';
    const renameLast =
      'Rename the file after its last byte is written, and not before: await pipeline from node:stream/promises, and call rename on the next line. The pipeline of node:stream takes a callback, so await does not wait for it.';

    const leaveFile =
      'Never remove FILE, also not before the download: if the download fails, the old FILE is lost. rename replaces FILE when the download is complete.';

    /** Waits until the client has ended, for as long as it waits for the disk or `progress` differs. */
    async function expectEnd(client: Program, cause: string, progress = () => 0): Promise<void> {
      const ended = () => client.end ?? client.verdict;
      await expectProgress(run, client, ended, progress, () => ({ cause, advice: keptAlive }), 2 * promptMs);
      if (client.verdict ?? client.end?.signal) throw new Failure(explainEnd(client, 'when the download was over'));
    }

    /** Waits until the client has put something beside FILE. */
    async function expectBegun({ client, content, besides, usesTemporary }: Download, old: Buffer): Promise<void> {
      const touched = () => !content()?.equals(old);
      await expectProgress(
        run,
        client,
        () => besides().length > 0 || touched() || client.end,
        () => 0,
        () =>
          usesTemporary()
            ? {
                cause:
                  'Your client wrote into the folder for temporary files, although it should write into the folder of FILE.',
                advice:
                  'Write under another name in the folder of FILE: a rename from one file system to another fails.',
              }
            : {
                cause: 'The first bytes have come, but your client has written nothing into the folder of FILE.',
                advice: /\brename\b/.test(client.stderr)
                  ? renameLast
                  : 'Write each piece when it comes, in the folder of FILE. text() and arrayBuffer() wait for the whole body, and keep it in memory.',
                ...lastWords(client),
              },
        promptMs,
      );
      notCrashed(client, 'while it was downloading');
      await client.caughtUp();
      expect(!/The "streams\[/.test(client.stderr), {
        cause: 'Your client saved nothing, because its call of pipeline threw an error.',
        ...lastWords(client),
        ...adviceOn(client.stderr),
      });
      expect(!touched(), {
        cause: `The download was still running, but your client had already ${touch(content())} FILE.`,
        compare: {
          expected: `its ${old.length} old bytes`,
          received: content()?.length ? 'other bytes' : sizeOf(content()),
        },
        advice: !content()
          ? leaveFile
          : `Write under another name, and rename this file after its last byte is written. If your client does that already, something is not awaited: the pipeline of node:stream takes a callback, and only the one of node:stream/promises returns a promise.`,
      });
      expect(!client.end, {
        cause: 'Your client ended while the download was still running.',
        ...lastWords(client),
        advice: 'Wait until the whole body has come and is written.',
        ...cutShort(client, 'while it was downloading'),
        ...adviceOn(client.stderr),
      });
    }

    const sizeOf = (content: Buffer | undefined) => (content ? `${count(content.length)} bytes` : '(no file)');
    const touch = (content: Buffer | undefined) =>
      !content ? 'removed' : content.length === 0 ? 'emptied' : 'changed';

    /** FILE has all that was sent, nothing is beside it, and the exit code is 0. */
    function expectSaved(
      { client, file, content, besides }: Download,
      whole: Buffer,
      old?: Buffer,
      left: string[] = [],
    ) {
      notCrashed(client, 'at the end of the download');
      const saved = content();
      const refused = client.end?.code === 1 && !client.exitedAt && !/\bE[A-Z]{3,}|\bERR_/.test(client.stderr);
      expect(saved?.equals(whole) || !refused || client.stderr.trim() === '', {
        cause: 'The download is complete, but your client reported a failure and did not save FILE.',
        ...lastWords(client),
        advice:
          'Report a failure of the download only if fetch or pipeline rejects, or if the status is not 2xx. Do not compare the size with Content-Length: a complete body may come without this header.',
        ...adviceOn(client.stderr),
      });
      expect(saved?.equals(whole), {
        cause: !saved
          ? 'The download is complete, but there is no FILE.'
          : old && saved.equals(old)
            ? 'The download is complete, but FILE still has its old content.'
            : saved.length === 0
              ? 'The download is complete, but FILE is empty.'
              : saved.length < whole.length
                ? 'The download is complete, but FILE has fewer bytes than the body.'
                : `The download is complete, but the bytes of FILE differ from those of the body.`,
        // How much the client takes while the disk is held depends on the buffers of the system.
        ...(whole.length < MiB && { compare: { expected: `${count(whole.length)} bytes`, received: sizeOf(saved) } }),
        advice: saved && saved.length >= whole.length ? asIs : renameLast,
        ...lastWords(client),
        ...cutShort(client, 'at the end of the download'),
      });
      const beside = besides().filter((name) => !left.includes(name));
      expect(beside.length === 0, {
        cause: 'Your client left another file beside FILE when the download was over.',
        compare: { expected: basename(file), received: [basename(file), ...beside].join(', ') },
        advice: 'Use rename, which moves the file. A copy leaves it where it was.',
      });
      expect(client.end?.code === 0, {
        cause: 'The download is complete, but your client did not exit with code 0.',
        compare: { expected: '0', received: String(client.end?.code ?? client.end?.signal) },
        advice: 'Set process.exitCode only where the download has failed.',
        ...lastWords(client),
      });
    }

    /** FILE is what it was, the client says in a line what is wrong, and nothing is beside FILE. */
    function expectFailed({ client, content, besides }: Download, what: string, advice: string, old?: Buffer): void {
      const now = content();
      expect(old ? now?.equals(old) : now === undefined, {
        cause: old
          ? `After ${what}, FILE is not what it was before: your client has ${touch(now)} it.`
          : `After ${what}, there is a FILE, although the download is not complete: a person who finds it takes it for the whole download.`,
        compare: { expected: old ? `its ${old.length} old bytes` : '(no file)', received: sizeOf(now) },
        advice:
          old && !now ? 'Remove only the unfinished file, which has another name, and leave FILE as it is.' : advice,
      });
      // Node ends a program with this code when nothing is left that could go on.
      expect(client.end?.code !== 13, {
        cause: `After ${what}, your client waited for something that never came, and Node.js ended it.`,
        advice,
      });
      if (crashed(client) && nothingToRemove.test(client.stderr)) {
        throw new Failure(explainEnd(client, `on ${what}`));
      }
      checkComplaint(client, what, { silent: advice });
      expect(besides().length === 0, {
        cause: `After ${what}, your client left an unfinished file behind.`,
        compare: { expected: '(nothing)', received: besides().join(', ') },
        advice: 'Call rm with { force: true } wherever the download can fail: it removes a file if it is there.',
      });
    }

    requirement(
      'While `client.ts URL FILE` is downloading, the bytes that have arrived are stored under another name in the folder of FILE, and FILE itself is unchanged.',
      async () => {
        running = await startDownload(run, oldContent);
        const { call } = running;
        call.response.writeHead(200, bytesType);
        const bytes = randomBytes(200_000);
        sent.push(bytes);
        await call.send(bytes);
        await expectBegun(running, oldContent);
      },
    );

    requirement(
      'If the disk takes no more bytes, the client stops taking bytes from the server. At most 32 MB are then taken but not written.',
      async () => {
        sameCapture();
        const { client, call, written } = running;
        if (!(await client.holdDisk())) return;
        note('·', '(the disk takes nothing more)');
        const limit = 32 * MiB;
        const before = written();
        const block = Buffer.concat(Array(256).fill(randomBytes(1000)));
        let taken = 0;
        const sendMore = () => {
          while (taken < limit * 1.25) {
            sent.push(block);
            taken += block.length;
            if (!call.response.write(block)) return void call.response.once('drain', sendMore);
          }
        };
        sendMore();
        await comesToRest(run, client, () => taken);
        const rests = await staysAtRest(run, client, () => taken + client.received, 0);
        call.response.off('drain', sendMore);
        note('←', `(${count(taken)} bytes)`);
        const waitForDisk =
          'Use pipeline, or wait for the event drain when the write of the stream returns false, or await each write of a file handle.';
        // What is written by a call that ends in Sync cannot be held: then the disk has it.
        expect(taken - (written() - before) <= limit, {
          cause: 'The disk took nothing, but your client took more than 32 MB from the server and kept it in memory.',
          advice: waitForDisk,
        });
        expect(rests, {
          cause: 'The disk took nothing, but your client took more from the server after a pause.',
          advice: `${waitForDisk} A timer cannot tell you when the disk is ready.`,
        });
        client.releaseDisk();
        note('·', '(the disk goes on)');
      },
    );

    requirement(
      'When the download is complete and its last byte is written, and not earlier, FILE gets exactly the bytes of the body. The other name is gone, and the client exits with code 0.',
      async () => {
        const { client, call, written } = running;
        const bytes = randomBytes(1000);
        sent.push(bytes);
        note('←', '(the rest, and the end of the response)');
        call.response.end(bytes);
        await expectEnd(client, 'The download has ended, but your client is still running.', written);
        expectSaved(running, Buffer.concat(sent), oldContent);
        await expectRenamedLast();
      },
    );

    /** While the disk is slow, FILE keeps its old content until the last byte is written. */
    async function expectRenamedLast(): Promise<void> {
      const download = await startDownload(run, oldContent);
      const { client, call, content, written } = download;
      const first = randomBytes(100_000);
      // So short that a stream takes all of them without asking anybody to wait for drain.
      const last = [1, 2, 3].map(() => randomBytes(random.integer(300, 600)));
      const whole = Buffer.concat([first, ...last]);
      call.response.writeHead(200, bytesType);
      await call.send(first);
      await expectBegun(download, oldContent);
      // From here on, nothing waits for the disk: what comes next is what it is asked for next.
      const isWritten = () => written() >= oldContent.length + first.length;
      for (let turns = 0; turns < 25 && !isWritten(); turns++) await client.caughtUp();
      const held = await client.holdDisk();
      if (held) note('·', '(the disk takes nothing more)');
      for (const piece of last) await call.send(piece);
      call.end();
      await client.caughtUp();
      // Each step is one that a slow disk could take, with as long a pause before the next.
      for (let step = 0; held && step < mostSteps && !client.end; step++) {
        const now = content();
        if (now?.equals(whole)) break;
        if (step > 0 && !now?.equals(oldContent)) note('·', '(the disk does what it was asked for so far)');
        expect(now?.equals(oldContent), {
          cause: `The disk was slow, and your client had ${touch(now)} FILE before the last byte was written.`,
          compare: {
            expected: `its ${oldContent.length} old bytes, or all ${count(whole.length)} bytes`,
            received: sizeOf(now),
          },
          advice: now ? renameLast : leaveFile,
        });
        await client.stepDisk();
        await client.caughtUp();
      }
      client.releaseDisk();
      if (held) note('·', '(the disk goes on)');
      await expectEnd(client, 'The download has ended, but your client is still running.', written);
      expectSaved(download, whole, oldContent);
    }

    requirement('If the body is empty and complete, FILE is empty, and the client exits with code 0.', async () => {
      for (const headers of [{ 'content-length': '0' }, { 'transfer-encoding': 'chunked' }]) {
        const download = await startDownload(run, oldContent);
        const { client, call, content } = download;
        call.response.writeHead(200, { ...bytesType, ...headers });
        call.end();
        await expectEnd(client, 'The download has ended, but your client is still running.');
        notCrashed(client, 'when the body was empty');
        expect(content()?.length === 0 && client.end?.code === 0, {
          cause: 'The body was empty and complete, but your client did not save it as an empty FILE with exit code 0.',
          compare: {
            expected: '0 bytes, exit code 0',
            received: `${sizeOf(content())}, exit code ${client.end?.code ?? client.end?.signal}`,
          },
          ...lastWords(client),
          advice:
            'Take an empty body for a complete download: a file can be empty. Only the pipeline tells you whether a body is complete.',
        });
        expectSaved(download, Buffer.alloc(0));
      }
    });

    requirement(
      'If the server cannot be reached, or answers with a status other than 2xx, the client prints one line on standard error, exits with code 1, and leaves FILE as it was.',
      async () => {
        const ok = 'Look at response.ok before you save anything: fetch rejects only when there is no answer.';
        for (const status of [random.pick([401, 404, 410]), random.pick([500, 502, 503]), 304]) {
          const download = await startDownload(run, oldContent);
          const { client, call } = download;
          note('←', `${status}`);
          call.response.writeHead(status, { 'content-type': 'text/plain' });
          if (status !== 304) await call.send('no such report\n');
          call.end();
          const what = `an answer with status ${status}`;
          await expectEnd(client, `Your client is still running after ${what}.`);
          expectFailed(download, what, ok, oldContent);
        }

        const file = join(temporaryFolder(), `${word()}.bin`);
        writeFileSync(file, oldContent);
        const client = startClient(`http://127.0.0.1:${await freePort()}/files/report.bin`, file);
        await client.begun;
        await expectEnd(client, 'Your client is still running although nobody listens on the port that it asked.');
        const inTry = 'Put fetch into the try as well: it rejects when the server cannot be reached.';
        expect(readFileSync(file).equals(oldContent), {
          cause: 'The server could not be reached, but your client changed FILE.',
          advice: inTry,
        });
        checkComplaint(client, 'a server that cannot be reached', { silent: inTry });
      },
    );

    requirement(
      'If the body breaks off, the client prints one line on standard error, exits with code 1, removes its unfinished file, and leaves FILE as it was.',
      async () => {
        const bytes = randomBytes(50_000);
        const whole =
          'Wait with pipeline, or with a loop with for await: they throw when the body is not complete. pipe does not tell you.';
        for (const [what, old, answer] of [
          [
            'a body shorter than its Content-Length',
            undefined,
            async ({ call: { response, send } }: Download) => {
              response.writeHead(200, { 'content-length': String(bytes.length + random.integer(1, 1000)) });
              await send(bytes);
              note('←', '(the connection is closed)');
              response.socket!.end();
            },
          ],
          [
            'a body that breaks off',
            oldContent,
            async ({ call: { response, send, breakOff } }: Download) => {
              response.writeHead(200, bytesType);
              await send(bytes);
              breakOff();
            },
          ],
          [
            'a body that breaks off before its first byte',
            oldContent,
            async ({ client, call: { response, breakOff } }: Download) => {
              response.writeHead(200, bytesType);
              response.flushHeaders();
              await client.caughtUp();
              breakOff();
            },
          ],
        ] as const) {
          const download = await startDownload(run, old);
          await answer(download);
          await expectEnd(download.client, `Your client is still running after ${what}.`);
          expectFailed(download, what, whole, old);
        }
      },
    );

    requirement(
      'If the folder of FILE is missing, or FILE is a folder, the client prints one line on standard error, exits with code 1, and leaves no unfinished file.',
      async () => {
        const bytes = randomBytes(5000);
        const own = temporaryFolder();
        const place = join(own, word());
        mkdirSync(place);
        for (const [what, file] of [
          ['a FILE in a folder that is not there', join(own, 'not-there', 'report.bin')],
          ['a FILE that is a folder', place],
        ] as const) {
          // A client that looks at FILE before its request never sends one.
          const site = await startGraderServer('/files/report.bin');
          const client = startClient(site.url, file);
          const call = await site.call(client).catch(() => undefined);
          call?.response.writeHead(200, bytesType).end(bytes);
          await expectEnd(client, `Your client is still running after ${what}.`);
          checkComplaint(client, what, {
            silent: 'Put the pipeline and the rename into one try: both fail when FILE cannot be written.',
          });
          const left = readdirSync(own).filter((name) => name !== basename(place));
          expect(left.length === 0 && statSync(place).isDirectory() && readdirSync(place).length === 0, {
            cause: `After ${what}, your client left a file behind.`,
            compare: {
              expected: '(nothing)',
              received: [...left, ...readdirSync(place)].join(', ') || 'a changed folder',
            },
            advice:
              'Put the rename into the try as well, and remove the unfinished file in its catch with rm and { force: true }: a rename can fail too.',
          });
        }
      },
    );

    requirement(
      'If another run is saving to the same FILE, or was killed while it was saving, FILE has exactly the bytes of the run that finished last.',
      async () => {
        await expectOwnBytesAfterKilledRun();
        await expectOwnBytesBesideOtherRun();
      },
    );

    async function expectOwnBytesAfterKilledRun(): Promise<void> {
      const killed = await startDownload(run, oldContent);
      killed.call.response.writeHead(200, bytesType);
      await killed.call.send(randomBytes(60_000));
      await expectBegun(killed, oldContent);
      note('→', '(the client is killed)');
      killed.client.stop();
      await run.until(() => killed.client.end);
      const left = killed.besides();

      const download = await startDownload(run, undefined, killed.file);
      const bytes = randomBytes(30_000);
      download.call.response.writeHead(200, bytesType);
      await download.call.send(bytes);
      download.call.end();
      await expectEnd(download.client, 'The download has ended, but your client is still running.');
      notCrashed(download.client, 'when the unfinished file of a killed run was there');
      const saved = download.content();
      expect(saved?.equals(bytes), {
        cause: saved?.equals(oldContent)
          ? 'An earlier run was killed, and your client could not save the next download.'
          : 'An earlier run was killed, and FILE is not the download of the next run.',
        compare: { expected: `${count(bytes.length)} bytes`, received: sizeOf(saved) },
        ...lastWords(download.client),
        advice:
          'Begin an unfinished file that is empty, under a name that no other run has: with process.pid in it, for example. The flag a would append to what the killed run has left.',
      });
      expectSaved(download, bytes, oldContent, left);
    }

    async function expectOwnBytesBesideOtherRun(): Promise<void> {
      const [one, other] = [randomBytes(90_000), randomBytes(70_000)];
      const halves = (bytes: Buffer) => [bytes.subarray(0, 40_000), bytes.subarray(40_000)] as const;
      const advice =
        'Give the unfinished file a name that no other run has: with process.pid in it, for example. Otherwise two runs write into the same file.';
      const slow = await startDownload(run, oldContent);
      slow.call.response.writeHead(200, bytesType);
      await slow.call.send(halves(one)[0]);
      await expectBegun(slow, oldContent);
      const before = slow.besides().length;
      const fast = await startDownload(run, undefined, slow.file);
      fast.call.response.writeHead(200, bytesType);
      await fast.call.send(halves(other)[0]);
      for (let turns = 0; turns < 25 && slow.besides().length === before && !fast.client.end; turns++)
        await fast.client.caughtUp();

      for (const [download, bytes, which] of [
        [fast, other, 'first'],
        [slow, one, 'last'],
      ] as const) {
        await download.call.send(halves(bytes)[1]);
        download.call.end();
        await expectEnd(download.client, 'The download has ended, but your client is still running.');
        const saved = download.content();
        expect(saved?.equals(bytes) && download.client.end?.code === 0, {
          cause: `Two clients saved to the same FILE, but FILE was not the download of the client that finished ${which} when this client had ended.`,
          compare: {
            expected: `${count(bytes.length)} bytes, exit code 0`,
            received: `${sizeOf(saved)}${saved?.length === bytes.length && !saved.equals(bytes) ? ', wrong ones' : ''}, exit code ${download.client.end?.code}`,
          },
          ...lastWords(download.client),
          advice,
        });
      }
      expectSaved(slow, one, oldContent);
    }
  });
});
