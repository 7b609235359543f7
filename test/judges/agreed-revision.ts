// Stands before a server and mends a fault of the conformance suite: in one scenario, it agrees with the server on a
// revision and then names 2025-03-26 in its headers, which a server that does not speak this revision has to refuse.
import { createServer, request as httpRequest } from 'node:http';
import { listenOnFreePort } from '../harness/programs/ports.ts';

/** The address of a relay to this server, until `close` is called. */
export async function withAgreedRevision(url: string): Promise<{ url: string; close(): void }> {
  const relay = createServer((request, response) => {
    const { method, headers } = request;
    if (headers['mcp-protocol-version'] === '2025-03-26') headers['mcp-protocol-version'] = '2025-11-25';
    const onward = httpRequest(url, { method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers).flushHeaders();
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  const { port, close } = await listenOnFreePort(relay);
  return { url: `http://127.0.0.1:${port}/mcp`, close };
}
