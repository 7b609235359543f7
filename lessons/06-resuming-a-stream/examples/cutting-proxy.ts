// A proxy that breaks each connection off after two and a half seconds: from port 3001 to the server on port 3000.
import { createServer, request as ask } from 'node:http';

const target = `http://127.0.0.1:${process.env.TARGET_PORT ?? 3000}`;

const proxy = createServer((request, response) => {
  const id = request.headers['last-event-id'];
  console.log(`${request.method} ${request.url}${id === undefined ? '' : `  Last-Event-ID: ${id}`}`);
  const options = { method: request.method, headers: request.headers };
  const upstream = ask(new URL(request.url!, target), options, (answer) => {
    console.log(`  ${answer.statusCode} ${answer.statusMessage}`);
    response.writeHead(answer.statusCode!, answer.headers);
    answer.pipe(response);
  });
  const cut = setTimeout(() => {
    console.log('  (breaks it off)');
    response.destroy();
  }, 2500);
  upstream.on('error', () => response.destroy());
  response.on('close', () => {
    clearTimeout(cut);
    upstream.destroy();
  });
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
