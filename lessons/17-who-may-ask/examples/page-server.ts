// Delivers page.html at http://localhost:5173, which is the origin that your server allows.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const port = Number(process.env.PORT ?? 5173);
const page = readFileSync(new URL('page.html', import.meta.url));

createServer((_request, response) => {
  response.setHeader('Content-Type', 'text/html').end(page);
}).listen(port, 'localhost', () => console.log(`open http://localhost:${port} in a browser`));
