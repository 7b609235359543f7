// The messages of JSON-RPC 2.0 as MCP uses them: what lesson 7 wrote for its server.

export type Params = Record<string, unknown>;
export type JsonRpcRequest = { jsonrpc: '2.0'; id: string | number; method: string; params?: Params };
export type JsonRpcNotification = { jsonrpc: '2.0'; method: string; params?: Params };
export type JsonRpcResponse = { jsonrpc: '2.0'; id: string | number } & Answer;

/** The outcome of a request: the part of its response that says whether it succeeded. */
export type Answer = { result: object } | { error: { code: number; message: string; data?: unknown } };

/** An error; `data` says more about it where the protocol wants that. */
export function failure(code: number, message: string, data?: unknown): Answer {
  return { error: { code, message, data } };
}

export function isRequest(message: unknown): message is JsonRpcRequest {
  return hasMethod(message) && isId(message.id);
}

export function isNotification(message: unknown): message is JsonRpcNotification {
  return hasMethod(message) && !('id' in message);
}

export function isResponse(message: unknown): message is JsonRpcResponse {
  return (
    isObject(message) &&
    message.jsonrpc === '2.0' &&
    !('method' in message) &&
    isId(message.id) &&
    (isObject(message.result) || isObject(message.error))
  );
}

/** Whether a value is a string or a number, which an id must be. */
export function isId(id: unknown): id is string | number {
  return typeof id === 'string' || typeof id === 'number';
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Everything that a request and a notification have in common. */
function hasMethod(message: unknown): message is JsonRpcNotification & { id?: unknown } {
  return (
    isObject(message) &&
    message.jsonrpc === '2.0' &&
    typeof message.method === 'string' &&
    (message.params === undefined || isObject(message.params))
  );
}
