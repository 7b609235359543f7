// What the two halves of a server for both eras have in common.
import type { Response } from 'express';
import type { JsonRpcNotification, JsonRpcResponse } from './json-rpc.ts';

/** The severities of RFC 5424, section 6.2.1, the least severe first. */
export const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** Sends a notification to the client of a request, before the response. */
export type Notify = (notification: JsonRpcNotification) => void;

/** Writes one message, in one event, in one chunk. After the response, nothing more can be sent. */
export function writeMessage(response: Response, message: JsonRpcNotification | JsonRpcResponse): void {
  if (response.writableEnded) return;
  response.write(`data: ${JSON.stringify(message)}\n\n`);
}
