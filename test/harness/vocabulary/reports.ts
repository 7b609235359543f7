// A server that streams a report, an event for each step, and its client: words for the lessons that break such streams off.
import { crashed } from '../programs/crash-report.ts';
import type { Held, Program } from '../programs/program.ts';
import { expect, type Explanation } from '../run/failure.ts';
import type { Run, Server } from '../run/run.ts';
import { promptMs } from '../run/waits.ts';
import type { Ask, Exchange } from '../wire/exchange.ts';
import type { Call, GraderServer } from '../wire/grader-server.ts';
import { visible } from '../wire/printable.js';
import {
  checkComplaint,
  expectEnd,
  expectInterrupted,
  lastWords,
  noTimerLeft,
  notCrashed,
  notCutShort,
} from './command-line.ts';
import { parseStream, type StreamEvent } from './event-stream.ts';
import { curl, expectHeader, expectStatus, finished, untilEnd } from './http.ts';

/** Milliseconds that no run takes. */
export const neverMs = 60_000;

export type ReportEvent = Pick<StreamEvent, 'type' | 'data' | 'id'>;

export const shown = ({ type, data }: Pick<StreamEvent, 'type' | 'data'>): string => `${type}: ${visible(data)}`;
export const listed = (events: Pick<StreamEvent, 'type' | 'data'>[]): string =>
  events.map(shown).join(' | ') || '(no event)';

/** The events of a report, after the first `seen`. */
export const eventsOf = (steps: number, seen = 0): ReportEvent[] =>
  [
    ...Array.from({ length: steps }, (_, i) => ({ type: 'step', data: `${i + 1} of ${steps}`, id: String(i + 1) })),
    { type: 'done', data: `${steps} steps`, id: String(steps + 1) },
  ].slice(seen);

/** Something that should hold, in the order in which it is looked at; and what is wrong where it does not. */
type Row = readonly [holds: unknown, cause: string, advice: string, compare?: Explanation['compare']];

export function expectEach(see: { see?: string }, rows: readonly Row[]): void {
  for (const [holds, cause, advice, compare] of rows)
    expect(holds, { cause, advice, ...(compare && { compare }), ...see });
}

/** Asks a server for a report. */
type AskReport = (steps: number, who?: string, ask?: Ask) => Exchange;

/** Words for the learner's server; `useServer` starts it for the first requirement that needs it. */
export function reportServer(run: Run, useServer: () => Promise<Server>) {
  let server: Server;
  const path = (steps: number) => `/report?steps=${steps}`;

  const start = async (): Promise<Server> => (server = await useServer());
  const get: AskReport = (steps, who, ask = {}) => server.request(path(steps), { ...ask, ...(who && { who }) });
  const post: AskReport = (steps, who, ask = {}) =>
    server.request('/report', {
      ...ask,
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...ask.headers },
      body: JSON.stringify({ steps }),
      ...(who && { who }),
    });

  /** The command that asks for the same report. */
  const seeIt = (stream: Exchange): { see?: string } => (stream.name.startsWith('POST') ? {} : curl(stream));

  /** The step that the server begins now, beside those that it is working on already, for a client that stays too. */
  async function nextStep(stream: Exchange, beside = 0, stays?: Exchange): Promise<Held> {
    const { program } = server;
    const late = () => ({
      ...(beside > 0
        ? {
            cause: 'Your server does not begin the next step of a stream while it is working for another stream.',
            advice: 'Let each stream begin its own work: two streams share neither a queue nor the promise of a step.',
          }
        : {
            cause: 'Your server does not begin the next step.',
            advice: 'Call work for each step: await work(`step ${step}`, …).',
          }),
      ...seeIt(stream),
    });
    const over = () => finished(stream) || (stays && finished(stays));
    await run.expectSoon(() => program.held.length > beside || over(), late, program);
    if (stays) expectStays(stays);
    expectStays(stream);
    return program.held[beside]!;
  }

  /** The server has not ended the stream of a client that is still there. */
  function expectStays(stream: Exchange): void {
    if (!finished(stream)) return;
    expectStatus(stream, 200, {
      advice: 'Answer a report with status 200 and an event stream.',
      ...seeIt(stream),
    });
    const isPost = stream.name.startsWith('POST');
    expect(false, {
      cause: 'Your server ended the stream of a client that was still there.',
      compare: {
        expected: 'the next step',
        received: stream.broken === undefined ? '(end of the response)' : '(the connection broke)',
      },
      advice: isPost
        ? 'Listen to the event close of the response. The request of a POST emits close as soon as its body has been read, although the client is still there.'
        : 'Declare everything that belongs to one stream inside the handler, for example its AbortController. Every response emits close, also one that has ended normally.',
      ...seeIt(stream),
    });
  }

  /** Releases each step until the response has ended. @returns how many steps there were */
  async function finish(stream: Exchange): Promise<number> {
    const advice = 'Call response.end() after the last event. It tells the client that the response is complete.';
    const last = () => parseStream(stream).events.at(-1);
    return untilEnd(
      server,
      stream,
      (silence) => ({
        cause: last()
          ? `Your server sent the event ${last()!.type}, but it did not end the response.`
          : 'Your server did not end the response.',
        advice,
        ...silence,
        ...seeIt(stream),
      }),
      { cause: 'Your server broke off the connection instead of ending the response.', advice, ...seeIt(stream) },
    );
  }

  /** Status 200, and the headers of an event stream. */
  function expectStream(stream: Exchange, see: { see?: string } = seeIt(stream)): void {
    expectStatus(stream, 200, { advice: 'Answer a report with status 200 and an event stream.', ...see });
    expectHeader(stream, 'Content-Type', (value) => /^text\/event-stream\s*(;|$)/i.test(value), 'text/event-stream', {
      cause: 'Your server did not answer with an event stream.',
      advice: 'Set Content-Type to text/event-stream. Clients recognize an event stream by this header.',
      ...see,
    });
  }

  /** An event stream with exactly these events. */
  function expectEvents(
    stream: Exchange,
    expected: ReportEvent[],
    advice = 'Send an event step after each step, and the event done after the last step.',
    see: { see?: string } = seeIt(stream),
  ): void {
    expectStream(stream, see);
    const { events } = parseStream(stream);
    const missed = expected.find((event, i) => !events[i] && event);
    const cause =
      missed && listed(events) === listed(expected.slice(0, events.length))
        ? `Your server ended the response, but it did not send the event ${shown(missed)}.`
        : 'Your server did not send the expected events.';
    expect(listed(expected) === listed(events), {
      cause,
      compare: { expected: listed(expected), received: listed(events) },
      advice,
      ...see,
    });
  }

  /** The client of this step has left, so the step ends. */
  function expectGivenUp(held: Held): Promise<void> {
    const late = () => {
      run.missing(`given up: ${held.label}`);
      return {
        cause: `The client has left, but your server is still working on ${held.label}.`,
        advice:
          'Pass a signal, work(label, { signal }), and abort its AbortController when the response emits close. work then rejects immediately.',
      };
    };
    return run.expectSoon(() => !server.program.held.includes(held), late, server.program);
  }

  const expectNoTimer = (
    before: number,
    when: string,
    advice = 'Clear the timer on every way out of the handler, for example in a finally block: unref does not stop a timer. A timer that keeps running keeps the memory of its request.',
  ) =>
    noTimerLeft(run, server.program, before, {
      cause: `A timer of your server is still running ${when}. Each such request adds one more timer.`,
      advice,
    });

  /** The process has no more listeners than before. */
  async function expectNoListener(before: number, when: string): Promise<void> {
    const { program } = server;
    await program.caughtUp();
    await run.expectSoon(
      () => program.listeners <= before,
      () => ({
        cause: `A listener that your server has added to process is still there ${when}. Each such request adds one more.`,
        advice:
          'Add a listener to the response instead, or remove the listener with process.off on every way out of the handler.',
      }),
      program,
    );
  }

  /** What the server has printed since, if it is an error; `why` says why there was none. */
  function expectNoError(printed: number, why: string, advice: string): void {
    const { stderr, stdout } = server.program;
    const [error] =
      /^.*Error\b.*$|^.*\boperation was aborted\b.*$|^[ \t]+at .*$/m.exec(stderr.slice(printed)) ??
      /^.*\b(AbortError|operation was aborted)\b.*$/m.exec(stdout) ??
      [];
    expect(error === undefined, {
      cause: `Your server printed an error, but nothing was wrong: ${why}.`,
      output: error?.trim() ?? '',
      advice,
    });
  }

  return {
    ...{ start, get, post, nextStep, finish, expectStays, expectStream, expectEvents, expectGivenUp },
    ...{ expectNoTimer, expectNoListener, expectNoError, seeIt },
  };
}

/** A client at the grader's server, and its request, answered with status and headers of a stream. */
export type Reading = { site: GraderServer; client: Program; call: Call };

/** Ways in which a server may write the lines of its events. */
export const framings = [
  { name: 'lines that end in \\n', write: (text: string) => text },
  { name: 'lines that end in \\r\\n', write: (text: string) => text.replaceAll('\n', '\r\n') },
  { name: 'lines that end in \\r', write: (text: string) => text.replaceAll('\n', '\r') },
  { name: 'fields without a space after the colon', write: (text: string) => text.replaceAll(/^(\w+): /gm, '$1:') },
  { name: 'comments between the fields', write: (text: string) => text.replaceAll(/^(?=\w)/gm, ': a comment\n:\n') },
] as const;

/** Words for the learner's client. */
export function reportClient(run: Run) {
  const { expectSoon, missing, note, until } = run;
  /** Milliseconds that a client of this run has taken at the most for what it was sent. */
  let slowest = 0;
  /** Milliseconds that are enough of an idle limit on a machine with nothing else to do. */
  const shortLimit = 90;

  /** Starts a client, whatever limit the shell of the learner has left behind. */
  const startReader = (url: string, idleLimit: number) => run.startClientWith({ IDLE_LIMIT: String(idleLimit) }, url);

  function begin(call: Call, contentType = 'text/event-stream'): Call {
    call.response.writeHead(200, { 'content-type': contentType }).flushHeaders();
    note('←', contentType === 'text/event-stream' ? '200 OK' : `200 OK  Content-Type: ${contentType}`);
    return call;
  }

  /** Sends one piece, and waits until the client has handled it. */
  async function send(call: Call, text: string | Uint8Array): Promise<void> {
    const since = performance.now();
    await call.send(text);
    slowest = Math.max(slowest, performance.now() - since);
  }

  async function openStream(contentType?: string): Promise<Reading> {
    const site = await run.startGraderServer('/report');
    const client = startReader(site.url, neverMs);
    return { site, client, call: begin(await site.call(client), contentType) };
  }

  /** The same under an idle limit; undefined when a right client too may have given up before its request had arrived. */
  async function openStreamUnder(idleLimit: number): Promise<Reading | undefined> {
    const since = performance.now();
    const site = await run.startGraderServer('/report');
    const client = startReader(site.url, idleLimit);
    const call = await site.call(client).catch((error: unknown) => {
      const ownFault = !client.end || client.verdict || crashed(client);
      if (ownFault || performance.now() - since < idleLimit / 2) throw error;
      return undefined;
    });
    return call && { site, client, call: begin(call) };
  }

  /**
   * Judges a client under an idle limit that this machine can keep, and again with longer ones until it can tell.
   * @param judge returns false when this machine was so slow that a right client may have given up as well
   * @param least milliseconds
   */
  async function underIdleLimit(judge: (limit: number) => Promise<boolean>, least = shortLimit): Promise<void> {
    for (let limit = Math.ceil(Math.max(least, 4 * slowest)); ; limit *= 4) {
      note('·', `IDLE_LIMIT=${limit}`);
      if (await judge(limit)) return;
    }
  }

  /** What the client has printed, with the line breaks of any system. */
  const output = (client: Program) => client.stdout.replaceAll('\r\n', '\n');

  /** The client has printed exactly this. */
  function expectPrinted(client: Program, expected: string, advice?: string): void {
    const printed = output(client);
    const more = printed.startsWith(expected);
    const cause = more
      ? 'Your client printed more than the complete events.'
      : 'Your client did not print the events that arrived.';
    advice ??= more
      ? 'Print an event when its blank line has arrived, and print nothing else on standard output.'
      : 'Print every event on standard output. Standard error is for the line that reports a failure.';
    if (!more) notCutShort(client, 'before it had printed the events that arrived', advice);
    const compare = { expected: visible(expected) || '(nothing)', received: visible(printed) || '(nothing)' };
    expect(printed === expected, { cause, compare, advice, ...lastWords(client) });
  }

  /** The client has not ended before it has printed this; the connection is still open. */
  function expectReading(client: Program, expected: string): void {
    const printed = output(client);
    if (!client.end || printed.length >= expected.length || !expected.startsWith(printed)) return;
    const advice =
      'Leave the loop that reads the body only after an event done or error: compare the type of the event.';
    notCutShort(client, 'before the report was over', advice);
    const ownError = /\b(is not defined|is not a function|before initialization|Cannot (read|set) prop)/;
    expect(false, {
      cause: 'Your client closed the connection and ended, but neither done nor error had arrived.',
      compare: { expected: visible(expected), received: visible(printed) || '(nothing)' },
      ...lastWords(client),
      advice: ownError.test(client.stderr)
        ? 'Correct the error that your client has printed. Declare a variable that several functions use at the top level, above the first await.'
        : advice,
    });
  }

  /** The client has printed this by now; it still runs. */
  async function expectPrintedSoon(client: Program, expected: string, advice?: string): Promise<void> {
    const late = () => ({
      cause: 'Your client did not print an event that was complete.',
      compare: { expected: visible(expected), received: visible(client.stdout) || '(nothing)' },
      advice: advice ?? 'Print each event as soon as its blank line has arrived.',
    });
    await expectSoon(() => output(client).length >= expected.length || client.end, late, client);
    expectReading(client, expected);
    expectPrinted(client, expected, advice);
  }

  /** The client ends, and sends no further request. */
  async function endsAfter(
    { site, client }: Omit<Reading, 'call'>,
    what: string,
    advice?: string,
    askedAgain = 'Connect again only if the report is not over yet and if there is an id that says where to continue.',
  ): Promise<void> {
    await until(() => client.end ?? client.verdict ?? site.waiting > 0, 2 * promptMs);
    expect(site.waiting === 0, {
      cause: `Your client sent another request after ${what}.`,
      advice: askedAgain,
    });
    await expectEnd(run, client, `Your client is still running after ${what}.`, advice);
  }

  function expectSuccess(
    client: Program,
    what: string,
    advice = 'Exit with code 0 when the report is complete: set process.exitCode only where something has failed.',
  ): void {
    notCrashed(client, `after ${what}`);
    expect(client.end?.code === 0, {
      cause: `Your client did not exit with code 0 after ${what}.`,
      compare: { expected: '0', received: String(client.end?.code ?? client.end?.signal) },
      advice,
      ...lastWords(client),
    });
  }

  /** The client ends after a silence of `limit` milliseconds, and says so. */
  async function givesUp(
    { site, client }: Omit<Reading, 'call'>,
    limit: number,
    when: string,
    printed: string,
    advice?: string,
  ): Promise<void> {
    const late = () => {
      missing(`the client gives up (IDLE_LIMIT=${limit})`);
      return {
        cause: `Nothing arrived ${when} for more than ten times IDLE_LIMIT, but your client is still waiting.`,
        advice:
          advice ??
          'Let a timer abort the signal of the request, and keep this timer running until the stream is over. The environment variable IDLE_LIMIT says how many milliseconds it takes.',
        ...(!advice && { see: 'IDLE_LIMIT=500 npm run try lesson-5' }),
      };
    };
    await expectSoon(() => client.end ?? client.verdict ?? site.waiting > 0, late, client, 10 * limit + promptMs);
    await endsAfter({ site, client }, `silence ${when}`, advice, advice);
    expectPrinted(client, printed, 'Print only complete events on standard output. Nothing more had arrived.');
    checkComplaint(client, `silence ${when}`, {
      silent:
        'Write one line with console.error. Otherwise a stream that the client gives up looks like one that has ended.',
      advice: 'Set process.exitCode = 1 when the idle limit is over, because the report is not complete.',
    });
  }

  return {
    ...{ startReader, begin, send, openStream, openStreamUnder, underIdleLimit, output, expectPrinted },
    /** Milliseconds that this machine has taken at the most until a client had handled what it was sent. */
    slowest: () => slowest,
    ...{ expectReading, expectPrintedSoon, endsAfter, expectSuccess, givesUp, expectInterrupted, shortLimit },
  };
}
