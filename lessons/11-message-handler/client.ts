import fetch, { type Response } from 'node-fetch';
import type { ToolResult } from '#support/tools.ts';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/mcp';
const message = process.argv[3] ?? 'hello';

/** Milliseconds that a request may take until its answer is here. */
const timeLimit = Number(process.env.TIME_LIMIT ?? 60_000);

/** The protocol revisions that this client speaks, newest first. */
const revisions = ['2025-11-25', '2025-06-18'];
const clientInfo = { name: 'chunk-by-chunk', version: '1.0.0' };

type Params = Record<string, unknown>;
type JsonRpcRequest = { jsonrpc: '2.0'; id: string | number; method: string; params?: Params };
type JsonRpcNotification = { jsonrpc: '2.0'; method: string; params?: Params };
type JsonRpcResponse = { jsonrpc: '2.0'; id: string | number } & Answer;

/** What a request comes to: one of the two. */
type Answer = { result?: unknown; error?: { code: number; message: string } };

/** What every request carries; the handshake adds to it. */
const headers: Record<string, string> = {
  'Content-Type': 'application/json',
  // TODO task 1: say which kinds of answer this client can read
};
let lastId = 0;

try {
  await shakeHands();
  const result = await request<ToolResult>('tools/call', { name: 'process_files', arguments: { message } });
  // TODO task 4: a tool that failed has no result to print
  // TODO task 2: print the result
} catch (error) {
  console.error(`${url}: ${(error as Error).message}`);
  process.exitCode ??= 1;
} finally {
  await endSession();
}

/** Agrees with the server on a revision of the protocol, before anything else. */
async function shakeHands(): Promise<void> {
  // TODO task 1: initialize, then notifications/initialized
}

/** Tells the server that its session is no longer needed; it may answer that it does not end sessions. */
async function endSession(): Promise<void> {
  // TODO task 1: end the session, when there is one
}

/** Sends a request, and waits for its result. */
async function request<Result>(method: string, params: Params): Promise<Result> {
  // TODO task 1: an id that no other request of this session has
  const id = 1;
  const response = await post({ jsonrpc: '2.0', id, method, params });
  // TODO task 4: no answer, or an error in the place of a result
  const answer = await answerTo(id, response);
  return answer?.result as Result;
}

/** Sends one message, in a POST of its own. */
async function post(message: object): Promise<Response> {
  const body = JSON.stringify(message);
  // TODO task 4: wait no longer than the time limit
  const response = await fetch(url, { method: 'POST', headers, body });
  // TODO task 1: keep the id of the session, when there is one
  // TODO task 4: a status other than 2xx
  return response;
}

/** The messages of an answer, each as soon as it is here. */
async function* messagesIn(response: Response): AsyncGenerator<unknown> {
  // TODO task 2: one JSON object, or an event stream: the server chooses
  yield await response.json();
}

// TODO task 2: the message in an event, and the text of a result

/** The one message that answers the request with this id. */
async function answerTo(id: string | number, response: Response): Promise<JsonRpcResponse | undefined> {
  for await (const message of messagesIn(response)) {
    // TODO task 3: the answer is the response with this id, and everything else is for the handler
    return message as JsonRpcResponse;
  }
}

// TODO task 3: the handler: print a notification, answer a request, report the rest

// TODO task 4: a function for each way to fail, with its sentence and its exit code

/**
 * Reads an event stream piece by piece, as the WHATWG standard says (HTML, section 9.2.6).
 * Give it each piece of text as it comes; it calls `dispatch` for each event.
 */
function eventReader(dispatch: (type: string, data: string) => void): (piece: string) => void {
  let unfinished = '';
  let afterReturn = false;
  let type = '';
  let data: string[] = [];

  function readLine(line: string): void {
    if (line === '') {
      if (data.length > 0) dispatch(type || 'message', data.join('\n'));
      type = '';
      data = [];
      return;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line)!;
    if (field === 'event') type = value!;
    if (field === 'data') data.push(value!);
    // A comment has an empty field name. The fields id and retry are for taking a stream up again.
  }

  return (piece) => {
    if (piece === '') return;
    // A \r ends its line at once; a \n that begins the next piece is its second half.
    const text = afterReturn && piece.startsWith('\n') ? piece.slice(1) : piece;
    afterReturn = piece.endsWith('\r');
    const lines = (unfinished + text).split(/\r\n|\r|\n/);
    unfinished = lines.pop()!;
    for (const line of lines) readLine(line);
  };
}
