// A `wire` capture as a picture: a row an entry, and beside each its place in time.
import type { Part } from '../../../test/harness/wire/message.ts';
import { escapeInvisible, printableJson } from '../../../test/harness/wire/printable.js';
import { isGap, withoutLastBreak, type Capture, type Entry, type Mark } from '../../../test/harness/wire/transcript.ts';
import { eventName, rowsOf, textOf, type EntryRow, type Row } from '../capture.ts';
import { html, raw, type Html } from './html.ts';

/** When an entry is drawn: `to` is later for what takes time, which is work, and waiting for what never came. */
type Span = { from: number; to: number; /** Work that had not ended when the capture did. */ held: boolean };

/** The beginning and the end of a piece of work become one row. */
export function spansOf(capture: Capture): { entries: Capture; spans: Map<Entry, Span> } {
  const entries: Capture[number][] = [];
  const spans = new Map<Entry, Span>();
  const working: { entry: Entry; label: string; span: Span }[] = [];
  let now = 0;
  for (const entry of capture) {
    if (isGap(entry)) {
      entries.push(entry);
      continue;
    }
    const before = now;
    now = entry.at;
    const [, what, label] = (entry.mark === '·' && /^(at work|done): +(.*)$/s.exec(entry.text)) || [];
    const begun =
      what === 'done' ? working.findIndex((work) => work.entry.who === entry.who && work.label === label) : -1;
    if (begun >= 0) {
      const [{ span }] = working.splice(begun, 1) as [(typeof working)[number]];
      Object.assign(span, { to: now, held: false });
      continue;
    }
    const span: Span = { from: entry.mark === '✗' ? before : now, to: now, held: what === 'at work' };
    entries.push(entry);
    spans.set(entry, span);
    if (span.held) working.push({ entry, label: label!, span });
  }
  for (const { span } of working) span.to = now;
  return { entries, spans };
}

/** What a mark stands for: its class in the style sheet, and its word for those who do not see it. */
const kinds: Record<Mark, { name: string; word: string; legend: string }> = {
  '→': { name: 'sent', word: 'sent:', legend: 'sent by the client' },
  '←': { name: 'received', word: 'received:', legend: 'received, one chunk a row' },
  '▸': { name: 'printed', word: 'printed:', legend: 'printed by the client' },
  '·': { name: 'work', word: 'server:', legend: 'the server at work' },
  '✗': { name: 'missing', word: 'missing:', legend: 'looked for, and not there' },
};

/** @param label says what is drawn, to those who do not see it. */
export function timeline(capture: Capture, label: string, { legend = false } = {}): Html {
  const { entries, spans } = spansOf(capture);
  const end = Math.max(1, ...[...spans.values()].map(({ to }) => to));
  const ticks = ticksUntil(end);
  const inSeconds = ticks.every((at) => at % 100 === 0) && end >= 1000;
  const used = Object.entries(kinds).filter(([mark]) => [...spans.keys()].some((entry) => entry.mark === mark));
  const drawEntry = (row: EntryRow) => drawRow(row, spans.get(row.entry)!, ticks, end);
  return html`<figure class="wire" aria-label="${label}">
    <div class="axis" aria-hidden="true">
      <svg class="track" width="100%" height="18">
        ${ticks.map(
          (at, i) =>
            html`<text
              x="${percent(at, end)}"
              y="0.75rem"
              text-anchor="${i === 0 ? 'start' : at > end * 0.9 ? 'end' : 'middle'}"
              >${inSeconds ? at / 1000 : at}${i === 0 && (inSeconds ? ' s' : ' ms')}</text
            >`,
        )}
      </svg>
    </div>
    <ol>
      ${rowsOf(entries).map((row) => (row.is === 'entry' ? drawEntry(row) : drawOther(row, drawEntry)))}
    </ol>
    ${legend && html`<figcaption>${used.map(([mark, { name, legend }]) => html`<span class="${name}"><b aria-hidden="true">${mark}</b> ${legend}</span> `)}</figcaption>`}
  </figure>`;
}

function drawOther(row: Exclude<Row, EntryRow>, drawEntry: (row: EntryRow) => Html): Html {
  switch (row.is) {
    case 'run':
      return html`<li class="aside">run ${row.run} of the program</li> `;
    case 'gap':
      return html`<li class="aside">… ${row.rows} rows${row.bytes > 0 && ` (${row.bytes} bytes)`} left out</li> `;
    case 'alike':
      return html`<li class="aside">
        <details>
          <summary>… ${row.rows.length} more like this</summary>
          <ol>
            ${row.rows.map(drawEntry)}
          </ol>
        </details>
      </li> `;
  }
}

function drawRow(row: EntryRow, span: Span, ticks: number[], end: number): Html {
  const { mark, who } = row.entry;
  const { from, to, held } = span;
  const { name, word } = kinds[mark];
  const before = html`${who && html`<span class="who">${who}</span> `}<span class="unseen">${word}</span> `;
  return html`<li class="${name}">
    <span class="at">${Math.round(mark === '✗' ? to : from)}<span class="unit"> ms</span></span>
    <div class="what">
      <b aria-hidden="true">${mark}</b>
      <div class="said">
        ${row.carried ? drawCarried(row, before) : html`${before}${longText(textOf(row.entry))}`}${
          held
            ? html` <span class="note">held</span>`
            : to > from && mark === '·' && html` <span class="note">until ${Math.round(to)}&nbsp;ms</span>`
        }
      </div>
    </div>
    <svg class="track" width="100%" height="20" aria-hidden="true">
      ${ticks.map(
        (at) => html`<line class="tick" x1="${percent(at, end)}" x2="${percent(at, end)}" y1="-0.1rem" y2="10rem" />`,
      )}${drawMark(mark, span, end)}
    </svg>
  </li> `;
}

/** Messages as what they are, one below the other. The first one begins with what is said before it. */
function drawCarried({ entry, carried }: EntryRow, before: Html): Html {
  const { parts, continues, unfinished } = carried!;
  const bytes = html`<details class="raw">
    <summary>the bytes of this chunk</summary>
    <pre>${breakable(rawText(entry))}</pre>
  </details>`;
  const all = unfinished ? [...parts, unfinished] : parts;
  return html`${all.map((part, i) => {
    const note =
      part === unfinished
        ? 'the beginning of an event'
        : i === 0 && continues
          ? 'the rest of an event'
          : eventNote(part);
    const start = html`${i === 0 && before}${note && html`<span class="note">${note}</span> `}`;
    return 'message' in part
      ? drawMessage(part, start, bytes)
      : html`<div class="beside">${start}${longText(escapeInvisible(part.text))}</div> `;
  })}`;
}

/** A client of MCP reads the events of the type message, and no others. */
const eventNote = (part: Part): string => (eventName(part) === 'event' ? '' : eventName(part));

/** Characters of a message's content that are shown before it is unfolded. */
const mostGist = 60;

function drawMessage({ message, to }: Extract<Part, { message: object }>, before: Html, bytes: Html): Html {
  const { kind, code, method, id, content, cut } = message;
  return html`<details class="message ${kind}">
    <summary>
      ${before}<span class="kind">${kind}${code && ` ${code}`}</span>
      ${method && html`<code class="method">${breakable(escapeInvisible(method))}</code> `}${to && html`<span class="to">to <code>${breakable(escapeInvisible(to))}</code></span> `}${id !== undefined && html`<span class="id">id <code>${escapeInvisible(id)}</code></span> `}${content && html`<span class="gist">${gistOf(content.value)}</span>`}
    </summary>
    <div class="inside">
      ${
        content &&
        html`<div class="content">
          <span class="note">${content.name}${cut && ', not whole'}</span>
          <pre>${printableJson(content.value)}</pre>
        </div>`
      }
      ${bytes}
    </div>
  </details> `;
}

/** The values of a message's content, without their names: enough to know it again. */
function gistOf(value: unknown): string {
  const words: string[] = [];
  const visit = (value: unknown) => {
    if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
    else words.push(String(value));
  };
  visit(value);
  const gist = escapeInvisible(words.join(' · '));
  return gist.length <= mostGist ? gist : `${gist.slice(0, mostGist - 1)}…`;
}

/** Characters of a text that are shown before it is unfolded. */
const mostShown = 300;

/** A text, and behind a click the rest of it where it is very long. */
const longText = (text: string): Html =>
  text.length <= mostShown
    ? html`<code>${breakable(text)}</code>`
    : html`<details class="long">
        <summary>
          <code>${breakable(text.slice(0, mostShown))}</code> … ${text.length - mostShown} more characters
        </summary>
        <code>${breakable(text.slice(mostShown))}</code>
      </details>`;

/** The bytes of an entry, with the line breaks that they have. */
const rawText = ({ text, leftOut }: Entry): string =>
  `${text
    .split(/(?<=\n)/)
    .map((line) => `${escapeInvisible(withoutLastBreak(line))}${escapeInvisible(/\r?\n$/.exec(line)?.[0] ?? '')}`)
    .join('\n')}${leftOut ? `\n… ${leftOut} more bytes` : ''}`;

/** Text that may break behind its punctuation, before a browser breaks it in the middle of a word. */
const breakable = (text: string): Html =>
  html`${text.split(/(?<=[,;:{}[\]&/])(?=.)/s).map((piece, i) => html`${i > 0 && html`<wbr />`}${piece}`)}`;

/** Of the first line of a row, which is 1.25 rem high. */
const middle = '0.625rem';

function drawMark(mark: Mark, { from, to, held }: Span, end: number): Html {
  const at = percent(to, end);
  const lead = html`<line class="lead" x1="0" x2="${percent(from, end)}" y1="${middle}" y2="${middle}" />`;
  switch (mark) {
    case '·': {
      if (to === from && !held) return html`${lead}<circle class="mark" cx="${at}" cy="${middle}" r="0.19rem" />`;
      const width = `${Math.max(0.8, ((to - from) / end) * 100).toFixed(2)}%`;
      return html`<rect
        class="span${held ? ' held' : ''}"
        x="${percent(from, end)}"
        width="${width}"
        y="0.375rem"
        height="0.5rem"
        rx="2"
      />`;
    }
    case '✗':
      return html`<line
          class="wait"
          x1="${percent(from, end)}"
          x2="${at}"
          y1="${middle}"
          y2="${middle}"
        />${placed(at, 'M-4.5-4.5 4.5 4.5M4.5-4.5-4.5 4.5')}`;
    case '←':
      return html`${lead}<circle class="mark" cx="${at}" cy="${middle}" r="0.3rem" />`;
    case '→':
      return html`${lead}${placed(at, 'M-4-5 5 0-4 5Z')}`;
    case '▸':
      return html`${lead}<svg x="${at}" y="${middle}" overflow="visible">
          <rect class="mark" x="-0.28rem" y="-0.28rem" width="0.56rem" height="0.56rem" rx="1.5" />
        </svg>`;
  }
}

/** A path does not take percentages; an svg around it does. */
const placed = (x: string, path: string): Html =>
  html`<svg x="${x}" y="${middle}" overflow="visible"><path class="mark" d="${raw(path)}" /></svg>`;

const percent = (at: number, end: number): string => `${((at / end) * 100).toFixed(2)}%`;

/** Two to five round times: 0, 500, 1000 … */
function ticksUntil(end: number): number[] {
  const power = 10 ** Math.floor(Math.log10(end / 2));
  const step = Math.max(
    1,
    [1, 2, 5, 10].map((factor) => factor * power).find((step) => end / step <= 4)!,
  );
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
}
