// What `npm run try` puts between client and server: it hands everything on, and writes it down.
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { listenOnFreePort } from '../../test/harness/programs/ports.ts';
import type { Transcript } from '../../test/harness/wire/transcript.ts';

/** Headers that say nothing about a lesson. */
const usual = new Set(
  'accept-encoding accept-language connection content-length date etag keep-alive sec-fetch-mode transfer-encoding user-agent x-powered-by'.split(
    ' ',
  ),
);

/**
 * The others, as they are on the wire: names and values in turn.
 * @param address of the relay, which is the usual Host
 */
const headerRows = (raw: string[], address?: string): string[] =>
  raw.flatMap((name, i) =>
    i % 2 === 0 && !usual.has(name.toLowerCase()) && !['*/*', address].includes(raw[i + 1])
      ? [`${name}: ${shown(raw[i + 1]!)}`]
      : [],
  );

/** A token is cut off: nobody should be able to use it who sees the capture. */
const shown = (value: string): string => value.replace(/^(Bearer [\w-]{6})[\w.-]+$/i, '$1…');

/**
 * Stands between client and server, hands everything on as it comes, and writes it down.
 * @param onStream is called when the server begins an event stream
 * @param cutAfter milliseconds after which an event stream that answers a POST breaks off
 * @param endsSession whether the session of the client is over before its first call reaches the server
 */
export async function relay(
  port: number,
  record: () => Transcript,
  onStream: () => void,
  { cutAfter, endsSession }: { cutAfter?: number | undefined; endsSession?: boolean | undefined } = {},
): Promise<{ url: string; close(): void }> {
  let posts = 0;
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    // The stream that a client of MCP opens with GET in its session runs beside its calls, so each of its rows is marked.
    // So does the stream of a subscription.
    const { 'mcp-session-id': session, 'last-event-id': last, 'mcp-method': rpc } = request.headers;
    const opensStream = request.method === 'GET' && session !== undefined && last === undefined;
    const who = opensStream ? 'GET' : rpc === 'subscriptions/listen' ? 'listen' : undefined;
    record().add('→', `${request.method} ${request.url}`, who);
    for (const row of headerRows(request.rawHeaders, `127.0.0.1:${request.socket.localPort}`))
      record().add('→', row, who);
    const { method, url: path, headers } = request;
    // The first message in a session says that the handshake is over. The second one is the call.
    if (endsSession && method === 'POST' && session !== undefined && ++posts === 2) {
      const goodbye = { method: 'DELETE', headers: { 'MCP-Session-Id': String(session) } };
      await fetch(`http://127.0.0.1:${port}${path}`, goodbye).catch(() => {});
    }
    const onward = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
      record().add('←', `${answer.statusCode} ${answer.statusMessage}`, who);
      for (const row of headerRows(answer.rawHeaders)) record().add('←', row, who);
      response.writeHead(answer.statusCode!, answer.headers);
      // A stream may have no bytes for a long time, and Node sends the headers with the first of them.
      response.flushHeaders();
      const streams = /^text\/event-stream\b/i.test(answer.headers['content-type'] ?? '');
      if (streams) onStream();
      if (cutAfter !== undefined && method === 'POST' && streams) {
        const cut = setTimeout(() => {
          record().add('←', '(the connection breaks off)');
          response.destroy();
        }, cutAfter);
        response.on('close', () => clearTimeout(cut));
      }
      answer.on('data', (bytes: Buffer) => {
        record().add('←', bytes, who);
        response.write(bytes);
      });
      answer.on('end', () => {
        record().add('←', '(end of the response)', who);
        response.end();
      });
      answer.on('error', () => response.destroy());
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.on('data', (bytes: Buffer) => record().add('→', bytes, who));
    request.pipe(onward);
  });
  const { port: own, close } = await listenOnFreePort(server);
  return { url: `http://127.0.0.1:${own}`, close };
}
