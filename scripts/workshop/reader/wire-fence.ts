import type { Capture, Entry, Gap, Mark } from '../../../test/harness/wire/transcript.ts';

const entryLine = /^ *(\d+) ms  (?:([^→←▸·✗\s][^→←▸·✗]*?) +| +)?([→←▸·✗])(?: (.*))?$/;
const gapLine = /^ *… (\d+) rows left out$/;

/**
 * The capture that a fence in a lesson's text shows.
 * @throws Error for a line that is not a row of one.
 */
export const captureFrom = (fence: string): Capture =>
  fence
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => gapFrom(line) ?? entryFrom(line));

function gapFrom(line: string): Gap | undefined {
  const rows = gapLine.exec(line)?.[1];
  return rows === undefined ? undefined : { leftOut: { rows: Number(rows), bytes: 0 } };
}

function entryFrom(line: string): Entry {
  const [, at, who, mark, text = ''] = entryLine.exec(line) ?? [];
  if (at === undefined) throw new Error(`This line is not a row of a capture: ${line}`);
  return { at: Number(at), mark: mark as Mark, ...(who && { who }), ...bodyFrom(text) };
}

/** A fence shows the line breaks of events as `\n`, leaves the last one away, and may cut a row. */
function bodyFrom(text: string): Pick<Entry, 'text' | 'bytes' | 'leftOut'> {
  const isEvent = /^(data|event|id|retry)?:/.test(text);
  if (!isEvent && !text.startsWith('{')) return { text };
  const body = isEvent ? `${text.replace(/\\n(?=(data|event|id|retry)?:|\\n|$)/g, '\n')}\n` : text;
  return { text: body, bytes: Buffer.byteLength(body), ...(text.endsWith('…') && { leftOut: 1 }) };
}
