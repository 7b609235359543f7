// A `wire` capture as a picture: a row an entry, as in the text, and beside each its place in time.
import type { Mark } from '../../../test/harness/wire/transcript.ts';
import { html, raw, type Html } from './html.ts';

export type Row =
  | {
      mark: Mark;
      /** Milliseconds since the first entry; `to` is later for what takes time: work, and waiting for what never came. */
      from: number;
      to: number;
      /** Work that had not ended when the capture did. */
      held: boolean;
      who: string;
      text: string;
    }
  | { leftOut: string };

type Entry = Exclude<Row, { leftOut: string }>;

const entryLine = /^ *(\d+) ms  (?:([^→←▸·✗\s][^→←▸·✗]*?) +| +)?([→←▸·✗])(?: (.*))?$/;

/** Reads what `draw` in test/harness/transcript.ts writes; the beginning and the end of a piece of work become one row. */
export function rowsOf(wire: string): Row[] {
  const rows: Row[] = [];
  const working: Entry[] = [];
  let now = 0;
  for (const line of wire.split('\n')) {
    const [, ms, who = '', mark, text = ''] = entryLine.exec(line) ?? [];
    if (ms === undefined) {
      if (line.trim()) rows.push({ leftOut: line.trim() });
      continue;
    }
    const before = now;
    now = Number(ms);
    const [, what, label] = (mark === '·' && /^(at work|done): +(.*)$/.exec(text)) || [];
    const begun =
      what === 'done' ? working.findIndex((entry) => entry.who === who && entry.text.endsWith(`: ${label}`)) : -1;
    if (begun >= 0) {
      const [entry] = working.splice(begun, 1);
      Object.assign(entry!, { to: now, held: false });
      continue;
    }
    const held = what === 'at work';
    const entry: Entry = { mark: mark as Mark, from: mark === '✗' ? before : now, to: now, held, who, text };
    rows.push(entry);
    if (held) working.push(entry);
  }
  for (const entry of working) entry.to = now;
  return rows;
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
export function timeline(wire: string, label: string, { legend = false } = {}): Html {
  const rows = rowsOf(wire);
  const entries = rows.filter((row): row is Entry => !('leftOut' in row));
  const end = Math.max(1, ...entries.map(({ to }) => to));
  const ticks = ticksUntil(end);
  const inSeconds = ticks.every((at) => at % 100 === 0) && end >= 1000;
  const used = Object.entries(kinds).filter(([mark]) => entries.some((entry) => entry.mark === mark));
  return html`<figure class="wire" aria-label="${label}">
    <div class="axis" aria-hidden="true">
      <svg class="track" width="100%" height="18">
        ${ticks.map(
          (at, i) =>
            html`<text
              x="${percent(at, end)}"
              y="0.75rem"
              text-anchor="${i === 0 ? 'start' : at > end * 0.9 ? 'end' : 'middle'}"
              >${inSeconds ? at / 1000 : at}${i === ticks.length - 1 && (inSeconds ? ' s' : ' ms')}</text
            >`,
        )}
      </svg>
    </div>
    <ol>
      ${rows.map((row) => drawRow(row, ticks, end))}
    </ol>
    ${legend && html`<figcaption>${used.map(([mark, { name, legend }]) => html`<span class="${name}"><b aria-hidden="true">${mark}</b> ${legend}</span> `)}</figcaption>`}
  </figure>`;
}

function drawRow(row: Row, ticks: number[], end: number): Html {
  if ('leftOut' in row) return html`<li class="left-out">${row.leftOut}</li>`;
  const { mark, from, to, held, who, text } = row;
  const { name, word } = kinds[mark];
  return html`<li class="${name}">
    <span class="at">${mark === '✗' ? to : from}<span class="unit"> ms</span></span
    ><span class="what"
      >${who && html`<span class="who">${who}</span> `}<b aria-hidden="true">${mark}</b>
      <span class="unseen">${word}</span> <code>${text}</code>${
        held
          ? html` <span class="note">held</span>`
          : to > from && mark === '·' && html` <span class="note">until ${to} ms</span>`
      }</span
    ><svg class="track" width="100%" height="20" aria-hidden="true">
      ${ticks.map(
        (at) => html`<line class="tick" x1="${percent(at, end)}" x2="${percent(at, end)}" y1="-0.1rem" y2="10rem" />`,
      )}${drawMark(row, end)}
    </svg>
  </li> `;
}

/** Of the first line of a row, which is 1.25 rem high. */
const middle = '0.625rem';

function drawMark({ mark, from, to, held }: Entry, end: number): Html {
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

/** Two to six round times: 0, 500, 1000 … */
function ticksUntil(end: number): number[] {
  const power = 10 ** Math.floor(Math.log10(end / 2));
  const step = Math.max(
    1,
    [1, 2, 5, 10].map((factor) => factor * power).find((step) => end / step <= 6)!,
  );
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
}
