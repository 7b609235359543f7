// A proxy that collects each response until its end, as many do with what they do not know to be a stream.
import { createServer, request as httpRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listenOnFreePort } from '../../../test/harness/programs/ports.ts';

export async function bufferingProxy(port: number): Promise<{ origin: string; close(): void }> {
  const server = createServer((request, response) => {
    const { method, url: path, headers } = request;
    const onward = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false }, async (answer) => {
      const body = await buffer(answer).catch(() => undefined);
      if (body) response.writeHead(answer.statusCode!, answer.headers).end(body);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  const { port: own, close } = await listenOnFreePort(server);
  return { origin: `http://127.0.0.1:${own}`, close };
}
