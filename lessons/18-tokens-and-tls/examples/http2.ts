// The same three events over HTTP/1.1 and over HTTP/2, both with TLS. It prints how the client sees them.
import { connect, createSecureServer } from 'node:http2';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { generate } from 'selfsigned';

const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
  keyType: 'ec',
  algorithm: 'sha256',
  extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
});

// In the TLS handshake, the client lists the protocols that it speaks, and the server chooses one (ALPN, RFC 7301).
const server = createSecureServer({ key, cert, allowHTTP1: true }, async (_request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  for (const i of [1, 2, 3]) {
    response.write(`data: event ${i}\n\n`);
    await sleep(200);
  }
  response.end();
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;

const print = (text: string) => console.log(`  ${text}`);

console.log('HTTP/1.1');
await new Promise((resolve) => {
  const sent = request({ host: '127.0.0.1', port, ca: cert, agent: false }, (response) => {
    print(`${response.statusCode}  transfer-encoding: ${response.headers['transfer-encoding']}`);
    response.on('data', (bytes: Buffer) => print(JSON.stringify(bytes.toString())));
    response.on('end', resolve);
  });
  sent.end();
});

console.log('HTTP/2');
const session = connect(`https://127.0.0.1:${port}`, { ca: cert });
await new Promise((resolve) => {
  const stream = session.request({ ':path': '/' });
  stream.on('response', (headers) =>
    print(`${headers[':status']}  transfer-encoding: ${headers['transfer-encoding']}`),
  );
  stream.on('data', (bytes: Buffer) => print(JSON.stringify(bytes.toString())));
  stream.on('end', resolve);
});

session.close();
server.close();
