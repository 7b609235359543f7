import { setTimeout as sleep } from 'node:timers/promises';
import express, { type ErrorRequestHandler } from 'express';
import { z } from 'zod';

// Schemas in the place of guards. Waits by a timer of its own, without the work clock. Serves whoever takes one of the two types.
const Id = z.union([z.string(), z.number().int()]);
const Base = z.looseObject({ jsonrpc: z.literal('2.0') });
const RpcRequest = Base.extend({ id: Id, method: z.string(), params: z.record(z.string(), z.unknown()).optional() });
const RpcNotification = Base.extend({
  id: z.undefined().optional(),
  method: z.string(),
  params: z.record(z.string(), z.unknown()).optional(),
});
const RpcResponse = z.union([
  Base.extend({ id: Id, method: z.undefined().optional(), result: z.looseObject({}) }),
  Base.extend({
    id: Id.optional(),
    method: z.undefined().optional(),
    error: z.looseObject({ code: z.number().int(), message: z.string() }),
  }),
]);
const Calculation = z
  .object({ a: z.number(), b: z.number(), op: z.enum(['add', 'sub', 'mul', 'div']) })
  .transform(({ a, b, op }) => ({ add: a + b, sub: a - b, mul: a * b, div: a / b })[op])
  .pipe(z.number());

const app = express();
app.disable('x-powered-by');
const error = (code: number, message: string, id: unknown = null) => ({
  jsonrpc: '2.0',
  id,
  error: { code, message, data: { at: 'server' } },
});

const Local = z.enum(['localhost', '127.0.0.1']);
app.use((request, response, next) => {
  const { origin } = request.headers;
  const names = z.array(Local).safeParse([request.hostname, ...(origin ? [new URL(origin).hostname] : [])]);
  if (names.success) next();
  else response.status(403).json(error(-32000, 'forbidden'));
});
app
  .route('/mcp')
  .post(
    (request, response, next) => {
      if (!request.accepts(['application/json', 'text/event-stream']))
        response.status(406).json(error(-32000, 'not acceptable'));
      else if (!request.is('json')) response.status(415).json(error(-32000, 'send JSON'));
      else next();
    },
    express.text({ type: 'application/json', limit: 1024 * 1024 }),
    async (request, response) => {
      let body: unknown;
      try {
        body = JSON.parse(request.body as string);
      } catch {
        response.status(400).json(error(-32700, 'Parse error'));
        return;
      }
      const call = RpcRequest.safeParse(body);
      if (!call.success) {
        const taken = RpcNotification.safeParse(body).success || RpcResponse.safeParse(body).success;
        const id = Id.safeParse((body as { id?: unknown } | null)?.id).data;
        if (taken) response.status(202).end();
        else response.status(400).json(error(-32600, z.prettifyError(call.error), id));
        return;
      }
      const { id, method, params } = call.data;
      if (method === 'ping') {
        response.json({ jsonrpc: '2.0', id, result: {} });
      } else if (method === 'calculate') {
        const calculation = Calculation.safeParse(params);
        if (!calculation.success) {
          response.json(error(-32602, z.prettifyError(calculation.error), id));
          return;
        }
        await sleep(130);
        response.json({ jsonrpc: '2.0', id, result: { value: calculation.data } });
      } else {
        response.json(error(-32601, `Method not found: ${method}`, id));
      }
    },
  )
  .all((_request, response) => {
    response.status(405).header('Allow', 'POST').json(error(-32000, 'Method not allowed.'));
  });

const onError: ErrorRequestHandler = (thrown, _request, response, _next) => {
  response.status(thrown.status ?? 500).json(error(-32000, thrown.message));
};
app.use(onError);
app.listen(Number(process.env.PORT), '127.0.0.1');
