import { get, type ClientRequest, type IncomingMessage } from 'node:http';

// Over node:http, with callbacks: the socket's own timeout is the limit.
const url = new URL(process.argv[2] ?? 'http://127.0.0.1:3000/report');
const state = { id: '', retry: 2000, over: false };
let request: ClientRequest;
let answered = false;
let next: NodeJS.Timeout;

function end(code: number, text?: string) {
  if (state.over) return;
  state.over = true;
  clearTimeout(next);
  if (text) process.stderr.write(`${text}\n`);
  process.exitCode = code;
  request.destroy();
}

process.on('SIGINT', () => end(130, 'interrupted'));
connect();

function connect() {
  answered = false;
  const headers: Record<string, string> = { Accept: 'text/event-stream' };
  if (state.id) headers['Last-Event-ID'] = Buffer.from(state.id).toString('latin1');
  request = get(url, { agent: false, headers }, (response) => {
    answered = true;
    if (response.statusCode === 204) return end(0);
    if (response.statusCode !== 200) return end(1, `${response.statusCode} ${response.statusMessage}`);
    if (!/^text\/event-stream\b/i.test(response.headers['content-type'] ?? ''))
      return end(1, 'this is no event stream');
    read(response);
  });
  request.setTimeout(Number(process.env.IDLE_LIMIT ?? 30_000), () => end(1, 'nothing comes any more'));
  request.on('error', (error) => (answered ? undefined : end(1, error.message)));
}

function read(response: IncomingMessage) {
  let text = '';
  let pending = state.id;
  let event: { type: string; data?: string } = { type: '' };
  response.setEncoding('utf8');
  response.on('data', (piece: string) => {
    text += piece;
    for (let at = next(); at && !state.over; at = next()) {
      const content = text.slice(0, at.index);
      text = text.slice(at.index + at[0].length);
      line(content);
    }
  });
  const next = () => /\r\n|\n|\r(?!$)/.exec(text);
  response.on('error', () => {}); // close comes as well
  response.on('close', () => {
    if (state.over) return;
    if (state.id) wait();
    else end(1, 'the stream is not complete');
  });

  function line(content: string) {
    if (content !== '') {
      const { name, value } = /^(?<name>[^:]*)(?:: ?(?<value>.*))?$/s.exec(content)!.groups!;
      if (name === 'id' && !value?.includes('\0')) pending = value ?? '';
      if (name === 'retry' && value && !/\D/.test(value)) state.retry = Math.min(parseInt(value), 2_147_483_647);
      if (name === 'event') event.type = value ?? '';
      if (name === 'data') event.data = event.data === undefined ? (value ?? '') : `${event.data}\n${value ?? ''}`;
      return;
    }
    state.id = pending;
    const { type, data } = event;
    event = { type: '' };
    if (data === undefined) return;
    process.stdout.write(`${type || 'message'}: ${data}\n`);
    if (type === 'done') end(0);
    if (type === 'error') end(1, `the server says: ${data}`);
  }
}

function wait() {
  next = setTimeout(connect, state.retry);
}
