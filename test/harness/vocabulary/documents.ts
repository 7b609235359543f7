// Documents for the tool of the capstone: drawn word by word, so that nobody has to count what is in them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../run/random.ts';

/** A document, and what a server should find in it. */
export type Drawn = {
  name: string;
  /** Its encoding, as explanations call it. */
  what: string;
  bytes: Uint8Array;
  words: number;
  longestSentence: string;
};

/** How a text becomes bytes; the words are those that the encoding has, and `UTF-8` has no others than ASCII. */
const encodings: readonly { what: string; odd: readonly string[]; encode(text: string): Uint8Array }[] = [
  {
    what: 'UTF-8 with letters of other scripts',
    odd: ['naïve', '世界', '🎈', 'œuvre'],
    encode: (text) => Buffer.from(text),
  },
  {
    what: 'UTF-8 with a byte order mark',
    odd: ['été', '世界'],
    encode: (text) => Buffer.from(`\ufeff${text}`),
  },
  {
    what: 'UTF-16LE with a byte order mark',
    odd: ['Über', '世界', '🎈'],
    encode: (text) => Buffer.from(`\ufeff${text}`, 'utf16le'),
  },
  { what: 'Latin-1', odd: ['été', 'Größe', 'ça', '«'], encode: (text) => Buffer.from(text, 'latin1') },
];

const plain = {
  what: 'UTF-8',
  odd: ['--', "don't", '3.5', '"yes."', '(no)', 'a,b'],
  encode: (text: string) => Buffer.from(text),
};

/** @param wide whether the documents have all encodings, instead of ASCII only */
export function drawDocuments(random: Random, count: number, wide = false): Drawn[] {
  return Array.from({ length: count }, (_, i) => {
    const { what, odd, encode } = wide ? encodings[i % encodings.length]! : plain;
    const sentences = drawSentences(random, odd, i);
    const longest = Math.max(...sentences.map(({ length }) => length));
    const words = sentences.flat();
    const separators = [' ', ' ', '  ', '\n', '\r\n', '\t', '\n\n', ' \r\n '];
    const text = words.map((word) => word + random.pick(separators)).join('');
    return {
      name: drawName(random, i, wide),
      what,
      bytes: encode(random.next() < 0.3 ? ` \n${text}` : random.next() < 0.5 ? text.trimEnd() : text),
      words: words.length,
      longestSentence: sentences.find(({ length }) => length === longest)!.join(' '),
    };
  });
}

/**
 * In every third document, from the first, the longest sentence is the last one and has no end mark; in the one after it,
 * two sentences are the longest ones.
 */
function drawSentences(random: Random, odd: readonly string[], i: number): string[][] {
  const lengths = Array.from({ length: random.integer(2, 6) }, () => random.integer(1, 12));
  const longest = Math.max(...lengths);
  const open = i % 3 === 0;
  if (open) lengths.push(longest + random.integer(1, 4));
  if (i % 3 === 1) lengths.push(longest);
  return lengths.map((length, index) => {
    const words = random.words(length);
    for (const [at, word] of random.shuffled(odd).entries()) {
      if (at < words.length - 1 && (at === 0 || random.next() < 0.3)) words[at] = word;
    }
    const end = open && index === lengths.length - 1 ? '' : random.pick(['.', '!', '?', '...', '?!']);
    return [...words.slice(0, -1), `${words.at(-1)}${end}`];
  });
}

function drawName(random: Random, i: number, wide: boolean): string {
  const [one, two] = random.words(2);
  const kinds = wide
    ? [`${one} ${two}.txt`, `é${one}-世${i}.txt`, `${one}%20${two}.txt`, `${one}.${two}`]
    : [`${one}${i}.txt`];
  return kinds[i % kinds.length]!;
}

/** A document for an index, and its words as the index has them. */
export type Indexed = { name: string; bytes: Uint8Array; terms: string[] };

/**
 * Documents that have words in common. A word stands in them in several forms: with capital letters, and with other
 * characters around it.
 * @param unusual words that stand in the documents beside drawn ones, each in one of them at least
 */
export function drawIndexed(random: Random, count: number, unusual: readonly string[]): Indexed[] {
  const documents = Array.from({ length: count }, (_, i) => ({
    name: drawName(random, i, false),
    terms: [] as string[],
  }));
  for (const term of [...random.words(6), ...unusual]) {
    const sure = random.integer(0, count - 1);
    for (const [i, { terms }] of documents.entries()) if (i === sure || random.next() < 0.5) terms.push(term);
  }
  const spelt = (term: string) => {
    const word = random.pick([term, term.toUpperCase(), term[0]!.toUpperCase() + term.slice(1)]);
    return `${random.pick(['', '', '"', '(', '«', '--', "'"])}${word}${random.pick(['', '', ',', '.', ';', '!"', ')', '»', '…'])}`;
  };
  return documents.map(({ name, terms }) => {
    const twice = terms.filter(() => random.next() < 0.5);
    const words = random.shuffled([...[...terms, ...twice].map(spelt), '--', '...']);
    return { name, terms, bytes: Buffer.from(words.join(' ')) };
  });
}

/** Writes a document into a folder. */
export function writtenTo<Document extends { name: string; bytes: Uint8Array }>(
  folder: string,
  document: Document,
): Document {
  writeFileSync(join(folder, document.name), document.bytes);
  return document;
}
