// Makes text of somebody else printable: what a learner's program, a file or a command line says goes to a terminal or a
// page only through here. Plain JavaScript, because the doctor and the install use it before anything is compiled.
import { stripVTControlCharacters } from 'node:util';

/**
 * The characters that show nothing, or that change how others are shown: control characters (C0 and C1), marks that turn
 * the direction of text, characters without a width, line separators, halves of pairs, and what Unicode has not assigned.
 * Variation selectors stay, because they belong to the character before them.
 */
const invisible = /(?![\ufe00-\ufe0f])[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** @type {Record<string, string>} */
const short = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f' };

/** A character as JavaScript writes it: `\n`, `\u202e`, `\u{e0001}`. @param {string} character */
function escape(character) {
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  return short[character] ?? (code > 0xffff ? `\\u{${digits}}` : `\\u${digits.padStart(4, '0')}`);
}

/**
 * Text in which every invisible character is written as JavaScript writes it.
 * @param {string} text
 * @param {string} [keep] characters that stay as they are
 */
export const escapeInvisible = (text, keep = '') =>
  text.replace(invisible, (character) => (keep.includes(character) ? character : escape(character)));

/**
 * Lines that a terminal may show as they come: without what moves its cursor, rings its bell, clears it, or turns its text.
 * @param {string} text
 */
export const printable = (text) => escapeInvisible(stripVTControlCharacters(text), '\n');

/** Text on one line, quoted as JSON quotes it when that changes anything, and cut off: `Message 1\n`. @param {string} text */
export function visible(text) {
  const shown = escapeInvisible(
    JSON.stringify(text.slice(0, 201)).slice(1, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\'),
  );
  return shown.length > 200 ? `${shown.slice(0, 200)}…` : shown;
}

/**
 * What was expected and what came, as a verdict shows them one below the other: where the two would look alike, a backslash
 * is shown as two, and only the part from shortly before the difference.
 * @param {string} expected
 * @param {string} received
 * @returns {{ expected: string, received: string }}
 */
export function visiblyDifferent(expected, received) {
  const shown = { expected: visible(expected), received: visible(received) };
  if (shown.expected !== shown.received) return shown;
  let same = 0;
  while (same < expected.length && expected[same] === received[same]) same++;
  const from = same > 150 ? same - 20 : 0;
  const part = (/** @type {string} */ text) =>
    `${from > 0 ? '…' : ''}${visible(text.slice(from).replaceAll('\\', '\\\\'))}`;
  return { expected: part(expected), received: part(received) };
}

/** A value as JSON that a terminal may show: the same value, with its invisible characters escaped. @param {unknown} value */
export const printableJson = (value) =>
  (JSON.stringify(value, null, 2) ?? 'null').replace(invisible, (character) =>
    character === '\n'
      ? character
      : character
          .split('')
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
          .join(''),
  );
