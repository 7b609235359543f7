// A proxy that compresses what it passes on, as many do: from port 3001 to the server on port 3000.
import { createServer, request as ask } from 'node:http';
import { pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';

const target = `http://127.0.0.1:${process.env.TARGET_PORT ?? 3000}`;

const proxy = createServer((request, response) => {
  const options = { method: request.method, headers: request.headers };
  const upstream = ask(new URL(request.url!, target), options, (answer) => {
    const headers = { ...answer.headers };
    const accepted = String(request.headers['accept-encoding']).includes('gzip');
    const forbidden = String(headers['cache-control']).includes('no-transform');
    const failed = () => response.destroy();
    if (accepted && !forbidden) {
      delete headers['content-length'];
      headers['content-encoding'] = 'gzip';
      response.writeHead(answer.statusCode!, headers);
      pipeline(answer, createGzip(), response, failed);
    } else {
      response.writeHead(answer.statusCode!, headers);
      pipeline(answer, response, failed);
    }
  });
  upstream.on('error', () => response.writeHead(502).end());
  request.pipe(upstream);
});

const port = Number(process.env.PORT ?? 3001);
proxy.on('error', (error) => {
  console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
  process.exit(1);
});
proxy.listen(port, '127.0.0.1', () => {
  console.log(`passing on http://127.0.0.1:${port} to ${target}`);
});
