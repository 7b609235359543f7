import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { explainEnd } from '../harness/programs/crash-report.ts';
import { cutShort } from '../harness/programs/exit-report.ts';
import type { Program } from '../harness/programs/program.ts';
import { Failure, expect } from '../harness/run/failure.ts';
import { grader } from '../harness/run/grader.ts';
import type { Server } from '../harness/run/run.ts';
import { promptMs } from '../harness/run/waits.ts';
import { checkComplaint, keptAlive, lastWords, notCrashed } from '../harness/vocabulary/command-line.ts';
import { startDownload, type Download } from '../harness/vocabulary/download.ts';
import { curl, expectHeader, expectStatus, finished, received } from '../harness/vocabulary/http.ts';
import { namedPipe } from '../harness/vocabulary/named-pipe.ts';
import { comesToRest, expectProgress } from '../harness/vocabulary/progress.ts';
import { count, firstRows, readRows, rowsAhead, type RowReader } from '../harness/vocabulary/row-reader.ts';
import type { Exchange } from '../harness/wire/exchange.ts';
import type { Call } from '../harness/wire/grader-server.ts';
import { visible } from '../harness/wire/printable.js';

const MiB = 1024 ** 2;

export default grader((run) => {
  const { missing, note, random, requirement, sameCapture, startClient } = run;
  const { startGraderServer, startServer, task, temporaryFolder } = run;

  const folder = temporaryFolder();
  const files = join(folder, 'files');
  mkdirSync(files);

  let server: Server;

  const word = () => random.words(1)[0]!;

  /** Bytes with every value among them, so that no encoding of text leaves them as they are. */
  function randomBytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let i = 0; i < length; i++) bytes[i] = i < 256 ? i : random.integer(0, 255);
    return bytes;
  }

  task({ number: 1, title: 'Do not outrun the reader', file: 'server.ts' }, () => {
    let first: RowReader;
    let second: RowReader;

    const awaitDrain =
      'Wait for the event drain of the response when write has returned false, and then write the next row.';

    /** The readers have stopped, and so does the server. */
    async function expectRest(readers: RowReader[]): Promise<void> {
      const { program } = server;
      const ahead = () => program.rows - readers.reduce((sum, { rows }) => sum + rows, 0);
      const limit = rowsAhead * readers.length;
      const rests = await comesToRest(run, program, ahead, limit);
      note('·', `${count(program.rows)} rows made`);
      if (rests) return;
      missing('the server stops making rows');
      throw new Failure({
        cause:
          ahead() > limit
            ? `The reader had stopped, but your server made more than ${count(rowsAhead)} rows ahead of it.`
            : 'The reader had stopped, but your server continued to make rows.',
        advice:
          'Wait for the event drain before you ask for the next row, or let pipeline do both. When write returns false, Node has begun to keep your rows in memory.',
        see: 'node --import tsx lessons/04-backpressure/examples/measure.ts lessons/04-backpressure/server.ts',
      });
    }

    requirement(
      '`GET /export` answers 200 with `Content-Type: application/x-ndjson`; each row of `rows()` is one line of JSON, and the first are on the wire while `rows()` has more.',
      async () => {
        server = await startServer({ FILES_FOLDER: files });
        first = readRows(server);
        // More than a response takes before its first write returns false: 16 KiB, and 64 from Node.js 22 on.
        await first.readTo(random.integer(100, 150), () => {
          if (first.rows > 0)
            return {
              cause: 'The reader was reading, but your server sent no more after the first rows.',
              advice: awaitDrain,
            };
          return {
            cause:
              server.program.rows > rowsAhead
                ? 'Your server took row after row from rows(), but sent none of them.'
                : 'Your server has sent no row.',
            advice: 'Write each row as soon as you have it. An array or a string of all rows is as large as the table.',
          };
        });
      },
    );

    requirement(
      'When the reader stops reading, the server stops asking `rows()` for more: at most 30,000 rows are made that the reader has not read.',
      async () => {
        sameCapture();
        await expectRest([first]);
      },
    );

    requirement('While one reader has stopped, another gets its rows, from the first on.', async () => {
      second = readRows(server, 'reader 2');
      await second.readTo(random.integer(200, 2000), () => ({
        cause: `While one reader had stopped, your server sent another reader ${second.rows > 0 ? 'only its first rows' : 'no rows'}.`,
        advice: 'Give each request its own rows() and its own loop, so that a reader that stops holds nobody else.',
      }));
      await expectRest([first, second]);
    });

    requirement(
      'When the reader reads on, so does the server: no row is lost, doubled or out of order, and after the last row the response ends.',
      async () => {
        const { program } = server;
        first.stream.resume();
        const moreThanOnTheWay = program.rows - second.rows + random.integer(150, 1500);
        await first.readTo(moreThanOnTheWay, () => ({
          cause: 'The reader read on, but your server did not continue with the next rows.',
          advice: awaitDrain,
        }));
        await expectRest([first, second]);
        program.finishTable();
        await first.readToEnd();
        await second.readToEnd();
        await program.caughtUp();
        expect(first.rows + second.rows === program.rows, {
          cause: 'Your server ended the response before it had written the last rows.',
          advice: 'End the response only after the last row is written.',
          ...firstRows,
        });
      },
    );
  });

  task({ number: 2, title: 'Send a file', file: 'server.ts' }, () => {
    const add = (name: string, bytes: string | Buffer = `${name}\n`) => writeFileSync(join(files, name), bytes);

    /** Asks for a file, by its path as it goes out, and waits for the end of the response. */
    async function ask(path: string, advice: string, ifItThrows = { advice }): Promise<Exchange> {
      const answer = server.request('/files/', { path: `/files/${path}`, ifItThrows });
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
    const get = (name: string, advice: string) => ask(encodeURIComponent(name), advice);

    /** The grader's files are in a folder of its own; these the learner has too. */
    const byHand = (path: string) => ({ see: `curl -i --path-as-is "http://127.0.0.1:3000/files/${path}"` });
    const notes = { see: 'curl -i http://127.0.0.1:3000/files/notes.txt' };

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

    function expectFile(
      answer: Exchange,
      bytes: Buffer,
      advice = 'Answer with status 200, Content-Type, Content-Length and the bytes of the file.',
      see: { see?: string } = notes,
    ): void {
      expectStatus(answer, 200, { advice, see: notes.see, ...see });
      expectHeader(
        answer,
        'Content-Type',
        (type) => /^application\/octet-stream$/i.test(type),
        'application/octet-stream',
        {
          cause: 'Your server sent a file with the wrong Content-Type.',
          advice: 'Set application/octet-stream, whatever the name of the file ends with: these are bytes.',
          ...notes,
        },
      );
      expectSize(answer, bytes.length);
      const body = Buffer.concat(answer.chunks.map((chunk) => chunk.bytes));
      expect(answer.ended && body.equals(bytes), {
        cause: answer.ended
          ? 'Your server sent a body whose bytes differ from those of the file.'
          : `Your server broke off the connection after ${count(body.length)} of ${count(bytes.length)} bytes.`,
        advice: 'Send the bytes as they are: as text, some of them change. Send nothing after the last byte.',
        ...notes,
      });
    }

    requirement(
      '`GET /files/:name` answers 200 with `Content-Type: application/octet-stream`, the size of the file as `Content-Length`, and its bytes.',
      async () => {
        const name = word();
        for (const [ending, bytes] of [
          ['bin', randomBytes(random.integer(150_000, 250_000))],
          ['txt', Buffer.from(`é${name}\n`)],
          ['json', Buffer.alloc(0)],
        ] as const) {
          add(`${name}.${ending}`, bytes);
          expectFile(await get(`${name}.${ending}`, 'A file may be large, have any bytes in it, or be empty.'), bytes);
        }
      },
    );

    requirement(
      'A name may have a space, a `%`, an `é` or two dots in it: `a b.txt`, `50%.txt`, `é.txt`, `v1..v2.txt`.',
      async () => {
        const part = word();
        const decoded = 'Use request.params.name as it is: Express has decoded it once, and a file may have that name.';
        const dots =
          'Put the path together, and judge where it leads: two dots inside of a name do not lead anywhere else.';
        for (const [name, advice, own] of [
          [`${part} b.txt`, decoded, undefined],
          [`50%.${part}`, decoded, '50%25.txt'],
          [`%41${part}.txt`, decoded, undefined],
          [`é世${part}.txt`, decoded, undefined],
          [`v1..${part}.txt`, dots, 'v1..v2.txt'],
          [`a+${part}.txt`, decoded, undefined],
        ] as const) {
          add(name);
          expectFile(await get(name, advice), Buffer.from(`${name}\n`), advice, own ? byHand(own) : notes);
        }
      },
    );

    requirement(
      'While the reader does not read, the server reads no further in the file: one of 400 MB does not take 200 MB of memory.',
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
          'Let pipeline or pipe send a read stream: they wait for the reader. readFile reads the whole file before the first byte goes out, and a listener for data reads on while nobody takes what it writes.';
        expectStatus(stream, 200, { cause: `Your server did not send a file of ${size} MiB.`, advice: readInPieces });
        // Still at a call of the file system, the server is reading: NaN differs from itself.
        const reading = () => (grown() > memoryLimit ? Infinity : program.fileCalls === 0 ? 0 : Number.NaN);
        const rests = await comesToRest(run, program, reading, 0);
        note('·', `the file has ${size} MiB; the memory grew by ${grown().toFixed(0)} MiB`);
        expect(rests && grown() <= memoryLimit, {
          cause: `The reader had stopped, but your server continued to read the file${grown() > memoryLimit ? `, and its memory grew by more than ${memoryLimit} MiB` : ''}.`,
          advice: readInPieces,
        });
        expectSize(stream, size * MiB);
      },
    );

    requirement(
      'A name that leaves the folder is 404, and nothing outside is opened: with `../`, encoded once or twice, with a backslash, as an absolute path; so is a folder, and a name with a null byte.',
      async () => {
        const [outside, inside] = random.words(2).map((name) => `${name}.txt`) as [string, string];
        const secret = `nobody is to read this: ${random.words(4).join(' ')}`;
        const sibling = 'files-private';
        mkdirSync(join(folder, sibling));
        mkdirSync(join(files, 'inner'));
        for (const path of [join(folder, outside), join(folder, sibling, outside)]) writeFileSync(path, `${secret}\n`);
        add(inside);

        const where = 'Put the path together first, and then look whether its folder is the one that you hand out.';
        const mended = 'Refuse the name, and do not repair it: where ../ is taken out of ....// another ../ appears.';
        const begins = `Compare whole folders: the name of another folder can begin like yours, as ${sibling} does.`;
        const absolute =
          'Put the path together with path.join: path.resolve takes an absolute path and forgets your folder.';
        const once =
          'Use the name as Express has decoded it: if you decode it again, %2e becomes a dot after your check.';
        const backslash =
          'Let path.join and path.dirname judge the path: on Windows, a backslash divides a path as well.';
        const another =
          'Refuse the name, and do not repair it: the folder has a file of this name, but this path leads out of the folder.';
        const noFile = 'Ask stat whether the path is a file: a folder can be opened too, but reading it is an error.';
        const nullByte = 'Catch what open and stat throw, and answer 404: no file has a null byte in its name.';
        const thrown =
          'Open the file before you send the status and the headers. Catch what open and stat throw, and answer 404.';
        const noOtherStatus =
          'Answer 404: a different status tells the client that the name means something here. sendFile with root refuses with 403, so give it a callback.';

        // The third is what the learner has in the same place.
        for (const [path, advice, own] of [
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
          ['inner', noFile, undefined],
          ['%2e', noFile, '%2e'],
          ['%2e%2e', noFile, '%2e%2e'],
          [`${inside}%00`, nullByte, 'notes.txt%00'],
        ] as const) {
          const answer = await ask(path, advice, { advice: thrown });
          const leaks = answer.text.includes(secret);
          expect(!leaks && answer.status === 404, {
            cause: leaks
              ? `Your server answered ${answer.name} with a file that is outside of the folder.`
              : `Your server answered ${answer.name} with status ${answer.status}.`,
            compare: { expected: '404', received: received(answer) },
            advice: answer.status === 400 || answer.status === 403 ? noOtherStatus : advice,
            ...(own && byHand(own)),
          });
        }
        await expectNotOpened();
      },
    );

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
        cause: 'Your server opened a file outside of the folder before it looked where the name leads.',
        advice,
      });
      expectStatus(answer, 404, { advice });
    }

    requirement(
      'A file that is not there, or is no longer there, is 404 with a sentence, not with a page of HTML; a file added while the server runs is sent.',
      async () => {
        async function expectNone(name: string, advice: string): Promise<void> {
          const answer = await get(name, advice);
          const beginning = visible(answer.text.slice(0, 80)) || '(an empty body)';
          expectStatus(answer, 404, {
            cause: `Your server answered ${answer.name} with status ${answer.status} although there is no such file.`,
            advice,
          });
          expect(!/<!doctype|<html|^[ \t]+at /im.test(answer.text), {
            cause:
              'Your server answered with a page of HTML, as Express makes one of an error or when no route answers.',
            compare: { expected: 'a sentence', received: beginning },
            advice: 'Answer by yourself: response.status(404) and a sentence, with json or with type and send.',
            ...curl(answer, '-i'),
          });
          expect(/\S\s+\S/.test(answer.text), {
            cause: 'Your server did not say in a sentence what is wrong.',
            compare: { expected: 'There is no such file.', received: beginning },
            advice: 'Send a sentence as the body: the person who asks may not know what 404 means.',
            ...curl(answer, '-i'),
          });
          expect(!answer.text.includes(folder), {
            cause: 'Your server told the client where the folder is on this machine.',
            compare: { expected: 'There is no such file.', received: visible(answer.text).replaceAll(folder, '/…') },
            advice: 'Say only that there is no such file, and keep the message of the error for your log.',
            ...curl(answer, '-i'),
          });
        }
        const openFirst = 'Open the file before you send the status and the headers, and answer 404 when that fails.';
        const again = 'Look at the file for each request, and remember nothing: it can change, come and go.';
        await expectNone(`${word()}.none`, openFirst);
        const name = `${word()}.note`;
        for (const text of [`${name}\n`, `${name} again\n`]) {
          add(name, text);
          expectFile(await get(name, again), Buffer.from(text), again);
          rmSync(join(files, name));
          await expectNone(name, again);
        }
      },
    );
  });

  task({ number: 3, title: 'Write no faster than the disk', file: 'client.ts' }, () => {
    const oldContent = Buffer.from('what was there before\n');
    let running: Download;
    const sent: Buffer[] = [];

    /** Waits until the client has ended, for as long as it waits for the disk or `progress` differs. */
    async function expectEnd(client: Program, cause: string, progress = () => 0): Promise<void> {
      const ended = () => client.end ?? client.verdict;
      await expectProgress(run, client, ended, progress, () => ({ cause, advice: keptAlive }), 2 * promptMs);
      if (client.verdict ?? client.end?.signal) throw new Failure(explainEnd(client, 'when the download was over'));
    }

    requirement(
      'While `client.ts URL FILE` downloads, what has come stands under another name in the folder of FILE, and FILE is as it was before.',
      async () => {
        running = await startDownload(run, oldContent);
        const { client, call, content, besides, usesTemporary } = running;
        call.response.writeHead(200, { 'content-type': 'application/octet-stream' });
        const bytes = randomBytes(200_000);
        sent.push(bytes);
        await call.send(bytes);
        const touched = () => !content()?.equals(oldContent);
        await expectProgress(
          run,
          client,
          () => besides().length > 0 || touched() || client.end,
          () => 0,
          () =>
            usesTemporary()
              ? {
                  cause:
                    'Your client wrote into the folder for temporary files, although it should write in the folder of FILE.',
                  advice:
                    'Write in the folder of FILE, under another name: a rename from one file system to another fails.',
                }
              : {
                  cause: `${count(bytes.length)} bytes have come, but your client has written nothing into the folder of FILE.`,
                  advice:
                    'Write each piece when it comes, in the folder of FILE. text() and arrayBuffer() wait for the whole body, and keep it in memory.',
                },
          promptMs,
        );
        notCrashed(client, 'while it was downloading');
        expect(!client.end, {
          cause: 'Your client ended while the download was still going on.',
          ...lastWords(client),
          advice: 'Wait until the whole body has come, and is written.',
          ...cutShort(client, 'while it was downloading'),
        });
        expect(!touched(), {
          cause: 'Your client changed FILE while the download was still going on.',
          advice: 'Write under another name, and rename when all is there: whoever opens FILE now gets half of it.',
        });
      },
    );

    requirement('While the disk takes nothing, the client takes no more than 32 MB from the server.', async () => {
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
      call.response.off('drain', sendMore);
      note('←', `(${count(taken)} bytes)`);
      // What is written by a call that ends in Sync cannot be held: then the disk has it.
      expect(taken - (written() - before) <= limit, {
        cause: 'The disk took nothing, but your client took more than 32 MB from the server and kept it in memory.',
        advice:
          'Wait for drain when the write of the stream returns false. pipeline does this by itself, and so does a loop that awaits each write.',
      });
      client.releaseDisk();
      note('·', '(the disk goes on)');
    });

    requirement(
      'When the download is whole, FILE has exactly its bytes, the other name is gone, and the client exits with code 0.',
      async () => {
        const { client, call, file, content, besides, written } = running;
        const bytes = randomBytes(1000);
        sent.push(bytes);
        note('←', '(the rest, and the end of the response)');
        call.response.end(bytes);
        await expectEnd(client, 'The download has ended, but your client is still running.', written);
        notCrashed(client, 'at the end of the download');
        const saved = content();
        const whole = Buffer.concat(sent);
        expect(saved?.equals(whole), {
          cause: !saved
            ? 'The download is whole, but there is no FILE.'
            : saved.equals(oldContent)
              ? 'The download is whole, but FILE still has its old content.'
              : `The download is whole, but the bytes of FILE ${saved.length < whole.length ? 'are fewer than' : 'differ from'} those of the body.`,
          advice:
            saved && saved.length >= whole.length
              ? 'Write the body as bytes: as text, some of them change.'
              : 'Rename the file when the last byte is written, and not before.',
          ...lastWords(client),
          ...cutShort(client, 'at the end of the download'),
        });
        expect(besides().length === 0, {
          cause: 'Your client left another file beside FILE when the download was over.',
          compare: { expected: basename(file), received: [basename(file), ...besides()].join(', ') },
          advice: 'Use rename, which moves the file. A copy leaves it where it was.',
        });
        expect(client.end?.code === 0, {
          cause: 'The download is whole, but your client did not exit with code 0.',
          compare: { expected: '0', received: String(client.end?.code ?? client.end?.signal) },
          advice: 'Set process.exitCode only where the download has failed.',
          ...lastWords(client),
        });
      },
    );

    requirement(
      'An answer other than 2xx, a body that breaks off and a FILE in a folder that is not there: one line on standard error, exit code 1, no other name is left, and FILE is as it was before.',
      async () => {
        const status = random.pick([404, 410, 500, 503]);
        const bytes = randomBytes(50_000);
        const ok = 'Look at response.ok before you save anything: fetch rejects only when there is no answer.';
        const whole =
          'Wait with pipeline, or with a loop with for await: they throw when the body is not whole. pipe does not tell you.';

        for (const [what, advice, old, answer] of [
          [
            `an answer with status ${status}`,
            ok,
            oldContent,
            async ({ response, send, end }: Call) => {
              response.writeHead(status, { 'content-type': 'text/plain' });
              await send('no such report\n');
              end();
            },
          ],
          [
            'a body shorter than its Content-Length',
            whole,
            undefined,
            async ({ response, send }: Call) => {
              response.writeHead(200, { 'content-length': String(bytes.length + random.integer(1, 1000)) });
              await send(bytes);
              note('←', '(the connection is closed)');
              response.socket!.end();
            },
          ],
          [
            'a body that breaks off',
            whole,
            oldContent,
            async ({ response, send, breakOff }: Call) => {
              response.writeHead(200, { 'content-type': 'application/octet-stream' });
              await send(bytes);
              breakOff();
            },
          ],
        ] as const) {
          const { client, call, content, besides } = await startDownload(run, old);
          await answer(call);
          await expectEnd(client, `Your client is still running after ${what}.`);
          const left = content();
          expect(old ? left?.equals(old) : left === undefined, {
            cause: old
              ? `After ${what}, FILE is not what it was before: your client has ${left ? 'written to' : 'removed'} it.`
              : `After ${what}, there is a FILE: whoever finds it takes it for the whole download.`,
            compare: {
              expected: old ? `its ${old.length} old bytes` : '(no file)',
              received: left ? `${count(left.length)} bytes` : '(no file)',
            },
            advice: old && !left ? 'Remove what you have begun under the other name, and leave FILE as it is.' : advice,
          });
          // Node ends a program with this code when nothing is left that could go on.
          expect(client.end?.code !== 13, {
            cause: `After ${what}, your client waited for something that never came, and ended.`,
            advice,
          });
          checkComplaint(client, what, { silent: advice });
          expect(besides().length === 0, {
            cause: `After ${what}, your client left an unfinished file behind.`,
            compare: { expected: '(nothing)', received: besides().join(', ') },
            advice: 'Call rm with { force: true } wherever the download has failed: it removes a file if it is there.',
          });
        }

        // A client that opens FILE before its request never sends one.
        const site = await startGraderServer('/files/report.bin');
        const lost = startClient(site.url, join(folder, 'not-there', 'report.bin'));
        const call = await site.call(lost).catch(() => undefined);
        call?.response.end(bytes);
        await expectEnd(lost, 'Your client is still running although the folder of FILE is not there.');
        checkComplaint(lost, 'a FILE in a folder that is not there');
      },
    );
  });
});
