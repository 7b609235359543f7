// An MCP server that has more to say than its answer. At /mcp?json it answers with one JSON object, and has no room for the rest.
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { work } from '#support/work.ts';

type Message = { id?: string | number; method?: string; params?: { arguments?: { message?: string } } };

const initialized = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {}, logging: {} },
  serverInfo: { name: 'talkative-server', version: '1.0.0' },
};

const server = createServer(async (request, response) => {
  const message = (request.method === 'POST' ? await json(request) : {}) as Message;
  const answer = (result: object) => ({ jsonrpc: '2.0', id: message.id, result });

  if (message.method === 'initialize') {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer(initialized)));
    return;
  }
  if (message.method !== 'tools/call') {
    response.writeHead(request.method === 'POST' ? 202 : 405).end();
    return;
  }

  const streams = request.url !== '/mcp?json';
  response.writeHead(200, { 'Content-Type': streams ? 'text/event-stream' : 'application/json' });
  const send = (sent: object) => {
    if (streams) response.write(`data: ${JSON.stringify(sent)}\n\n`);
  };
  const log = (level: string, data: unknown) =>
    send({ jsonrpc: '2.0', method: 'notifications/message', params: { level, data } });
  const info = (data: unknown) => log('info', data);

  log('info', 'said with log');
  info('said with info');
  await work('the first half');
  send({ jsonrpc: '2.0', id: 0, method: 'ping' });
  send({ jsonrpc: '2.0', id: 77, result: { content: [{ type: 'text', text: 'an answer that nobody asked for' }] } });
  send({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
  await work('the second half');
  const result = answer({ content: [{ type: 'text', text: `Done: ${message.params?.arguments?.message}` }] });
  if (streams) send(result);
  response.end(streams ? '' : JSON.stringify(result));
});

const port = Number(process.env.PORT ?? 3000);
server.on('error', (error) => {
  console.error(`cannot listen on port ${port} (${error.message}): end the program that uses it, or set PORT`);
  process.exit(1);
});
server.listen(port, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${port}/mcp`);
});
