// Tells which JSON-RPC messages a capture carries, for those who draw it.
import { createParser } from 'eventsource-parser';
import { fromJson, isObject } from './json.ts';
import { isGap, type Capture, type Entry } from './transcript.ts';

/** A JSON-RPC message, by what it is for its receiver (JSON-RPC 2.0, sections 4 and 5). */
export type RpcMessage = {
  kind: 'request' | 'notification' | 'response' | 'error';
  method?: string;
  /** As it is written: `7`, `"7"`. */
  id?: string;
  /** The code of an error. */
  code?: string;
  /** The property that says the rest, and its value. */
  content?: { name: 'params' | 'result' | 'error'; value: unknown };
  /** The text ends before the message does. */
  cut?: true;
};

/** The message that this JSON is; undefined when it is something else. A beginning is enough. */
export function messageOf(text: string): RpcMessage | undefined {
  const whole = fromJson(text);
  if (whole !== undefined) return messageFrom(whole);
  const message = messageFrom(fromJson(completed(text)));
  return message && { ...message, cut: true };
}

function messageFrom(value: unknown): RpcMessage | undefined {
  if (!isObject(value)) return undefined;
  const { method, id, error } = value;
  const named = typeof method === 'string';
  const answers = 'result' in value || 'error' in value;
  // A message of a learner's may lack its version or its id; JSON that has neither is something else.
  if (!(named || answers) || !('jsonrpc' in value || 'id' in value)) return undefined;
  const kind = named ? ('id' in value ? 'request' : 'notification') : 'error' in value ? 'error' : 'response';
  const name = named ? 'params' : kind === 'error' ? 'error' : 'result';
  const code = kind === 'error' && (error as { code?: unknown } | null)?.code;
  return {
    kind,
    ...(named && { method }),
    ...('id' in value && { id: JSON.stringify(id) }),
    ...(typeof code === 'number' && { code: String(code) }),
    ...(name in value && { content: { name, value: value[name] } }),
  };
}

/** The beginning of an object, with what is open in it closed; JSON that is wrong in another way stays wrong. */
function completed(text: string): string {
  if (!/^\s*\{/.test(text)) return '';
  const open: string[] = [];
  /** The last place at which everything before it is whole, and how to close it there. */
  let whole = { end: 0, close: '' };
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (inString) {
      if (character === '\\') i++;
      else if (character === '"') inString = false;
      continue;
    }
    if (character === '"') inString = true;
    if (character === '{') open.push('}');
    if (character === '[') open.push(']');
    if ((character === '}' || character === ']') && (open.pop() !== character || open.length === 0)) return '';
    if (/[{}[\],]/.test(character)) {
      whole = { end: character === ',' ? i : i + 1, close: open.toReversed().join('') };
    }
  }
  const close = open.toReversed().join('');
  const closed = inString ? `${text.replace(/(\\u?[\da-f]{0,3}|…)$/i, '')}…"${close}` : text + close;
  return fromJson(closed) === undefined ? text.slice(0, whole.end) + whole.close : closed;
}

/** A message in a capture, or something else that came with one. */
export type Part = {
  /** The fields of the event that brought it, without its data; undefined where it came as a body. */
  event?: { type?: string; id?: string };
} & (
  | { message: RpcMessage; /** The method of the request that it answers, where the capture has it. */ to?: string }
  | { text: string }
);

/** What one entry of a capture carries. An event belongs to the entry in which it ends. */
export type Carried = {
  parts: Part[];
  /** Its first part began in an entry before. */
  continues: boolean;
  /** As much of a message as has come of an event that does not end in it. */
  unfinished?: Part;
};

/** What each entry carries; undefined for those that carry no message. */
export function carriedBy(capture: Capture): (Carried | undefined)[] {
  const begun = new Map<string, string>();
  const asked = new Map<string, string>();
  return capture.map((entry) => {
    if (isGap(entry)) return void begun.clear();
    const stream = `${entry.mark} ${entry.who ?? ''} ${entry.run ?? 1}`;
    const before = begun.get(stream) ?? '';
    begun.delete(stream);
    if (entry.bytes === undefined || (entry.mark !== '→' && entry.mark !== '←')) return undefined;
    const text = before + entry.text;
    if (!beginsAnEvent(text)) return carriedAs({ parts: bodyParts(entry.text), continues: false }, entry, asked);
    const end = entry.leftOut ? text.length : endOfLastEvent(text);
    const rest = text.slice(end);
    if (rest.trim() !== '') begun.set(stream, rest);
    const parts = eventParts(text.slice(0, end) + (entry.leftOut ? '\n\n' : ''));
    const unfinished = eventParts(`${rest}\n\n`).find((part) => 'message' in part);
    return carriedAs({ parts, continues: before !== '', ...(unfinished && { unfinished }) }, entry, asked);
  });
}

function carriedAs(carried: Carried, { mark, who, run }: Entry, asked: Map<string, string>): Carried | undefined {
  const { parts, unfinished } = carried;
  if (!unfinished && !parts.some((part) => 'message' in part)) return undefined;
  for (const part of parts) {
    if (!('message' in part)) continue;
    const { kind, id, method } = part.message;
    const key = (from: string) => `${from} ${who ?? ''} ${run ?? 1} ${id}`;
    if (kind === 'request') asked.set(key(mark), method!);
    const to = asked.get(key(mark === '→' ? '←' : '→'));
    if ((kind === 'response' || kind === 'error') && to !== undefined) part.to = to;
  }
  return carried;
}

const fields = ['data:', 'event:', 'id:', 'retry:', ':'];

/** It may be an event, or the first bytes of one. */
function beginsAnEvent(text: string): boolean {
  const line = text.replace(/^\ufeff?[\r\n]*/, '');
  return line !== '' && fields.some((field) => line.startsWith(field) || field.startsWith(line));
}

/** Behind the last blank line. */
function endOfLastEvent(text: string): number {
  const ends = [...text.matchAll(/(\r\n|\n|\r(?!\n))(\r\n|\n|\r(?!\n))/g)];
  const last = ends.at(-1);
  return last ? last.index + last[0].length : 0;
}

function eventParts(text: string): Part[] {
  const parts: Part[] = [];
  const parser = createParser({
    onEvent({ data, event: type, id }) {
      const event = { ...(type !== undefined && { type }), ...(id !== undefined && { id }) };
      const message = messageOf(data);
      parts.push(message ? { message, event } : { text: data, event });
    },
    onComment: (comment) => void parts.push({ text: `: ${comment}`.trimEnd() }),
    onRetry: (milliseconds) => void parts.push({ text: `retry: ${milliseconds}` }),
  });
  parser.feed(text.endsWith('\r') ? `${text}\n` : text); // the parser waits for what follows a \r
  return parts;
}

/** A body is one message, an array of them, or, as on stdio, one a line. */
function bodyParts(text: string): Part[] {
  const message = messageOf(text);
  if (message) return [{ message }];
  const value = fromJson(text);
  const all = Array.isArray(value) ? value.map(messageFrom) : text.trim().split('\n').map(messageOf);
  return all.every((each) => each !== undefined) ? all.map((each) => ({ message: each! })) : [];
}
