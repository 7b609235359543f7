// Imported by a program that is prepared while nobody waits: what the first request of a process costs is paid here.
import { createServer, get } from 'node:http';

const server = createServer((_request, response) => response.end('warm'));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
await new Promise((resolve) => {
  get({ port: server.address().port, host: '127.0.0.1', agent: false }, (response) =>
    response.resume().on('close', resolve),
  ).on('error', resolve);
});
await new Promise((resolve) => server.close(resolve));
