import { escapeInvisible } from '../../../test/harness/wire/printable.js';

/** Markup, as opposed to text: it is not escaped again. */
export type Html = { readonly markup: string };

type Part = Html | string | number | false | undefined | readonly Part[];

export const raw = (markup: string): Html => ({ markup });

/** Puts markup together; every text in it is escaped. */
export const html = (strings: TemplateStringsArray, ...parts: Part[]): Html =>
  raw(strings.reduce((all, string, i) => `${all}${markupOf(parts[i - 1])}${string}`));

function markupOf(part: Part): string {
  if (part === false || part === undefined) return '';
  if (typeof part === 'string' || typeof part === 'number') return escape(String(part));
  if ('markup' in part) return part.markup;
  return part.map(markupOf).join('');
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as it stands between tags or in a quoted attribute. What shows nothing, or turns other text, is made visible. */
export const escape = (text: string): string =>
  escapeInvisible(text, '\n\r\t').replace(/[&<>"']/g, (character) => entities[character]!);
