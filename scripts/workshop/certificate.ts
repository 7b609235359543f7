// A certificate: one page to print, made from the progress file.
import { resolve } from 'node:path';
import { catalog, minutesOf, tracks, type Lesson } from '../../lessons/catalog.ts';
import { printableJson } from '../../test/harness/wire/printable.js';
import { Refusal, type Arguments } from './command.ts';
import { writeAtomically } from './files.ts';
import { shortName } from './lessons.ts';
import { readProgress, standing, type Progress } from './progress.ts';
import { html, raw } from './reader/html.ts';
import { hoursAndMinutes, inRanges } from './show-progress.ts';

type Track = (typeof tracks)[number];

/** A program that somebody else has written, and the lessons whose grader lets it judge the learner's programs. */
export type Judge = { name: string; verdict: string; lessons: number[] };

export const judges: readonly Judge[] = [
  {
    name: 'The official MCP clients for TypeScript (versions 1 and 2)',
    verdict: 'connect to the server, and get its messages and results',
    lessons: [8, 9, 13, 14, 15, 16, 17, 20, 21, 22, 23, 25, 26, 27, 29, 31, 32, 33],
  },
  {
    name: 'The official MCP servers for TypeScript (versions 1 and 2)',
    verdict: 'accept every message of the client',
    lessons: [11, 15, 23, 26],
  },
  {
    name: 'The JSON Schema validator Ajv',
    verdict: 'accepts the schemas of the tools',
    lessons: [8, 24, 26, 27, 30, 31, 32, 33],
  },
];

type Certificate = {
  name: string;
  track: string;
  minutes: number;
  lessons: { number: number; title: string }[];
  judges: Judge[];
};

/** Writes the page; if a lesson is missing, says which, with exit code 1. */
export function certificate({ words: [name = ''], options }: Arguments): number {
  const progress = readProgress();
  const track = options.track === undefined ? longestPassed(progress) : trackCalled(String(options.track));
  const missing = lessonsOf(track).filter((lesson) => !isPassed(progress, lesson));
  if (missing.length > 0) {
    if (options.json) console.log(printableJson({ track: track.title, missing: missing.map(({ slug }) => slug) }));
    else console.log(missingText(track, missing));
    return 1;
  }
  if (name.trim() === '')
    throw new Refusal('Whose certificate is it? Add the name: npm run certificate "Ada Lovelace"');
  const made = certificateOf(name.trim(), track);
  if (options.json) {
    console.log(printableJson(made));
    return 0;
  }
  const path = resolve(String(options.out ?? 'certificate.html'));
  writeAtomically(path, pageOf(made));
  console.log(`Wrote ${path}. Open it in a browser, and print it.`);
  return 0;
}

/** The track with the most lessons of those that are passed; the one with the most lessons of all if none is. */
function longestPassed(progress: Progress): Track {
  const longestFirst = [...tracks].sort((a, b) => b.lessons.length - a.lessons.length);
  return (
    longestFirst.find((track) => lessonsOf(track).every((lesson) => isPassed(progress, lesson))) ?? longestFirst[0]!
  );
}

function trackCalled(title: string): Track {
  const found = tracks.find((track) => track.title.toLowerCase() === title.toLowerCase());
  if (found) return found;
  throw new Refusal(`There is no track "${title}". The tracks are: ${tracks.map((track) => track.title).join(', ')}.`);
}

const lessonsOf = ({ lessons }: Track): Lesson[] => catalog.filter(({ number }) => lessons.includes(number));

/** Whether the lesson has been passed once. A solution that was put in place is nobody's work. */
function isPassed(progress: Progress, lesson: Lesson): boolean {
  const { state } = standing(progress, lesson);
  return state === 'passed' || state === 'changed since it passed';
}

function missingText({ title, lessons }: Track, missing: Lesson[]): string {
  const rows = missing.map((lesson) => `  lesson ${String(lesson.number).padEnd(2)} · ${lesson.title}`);
  const [next] = missing as [Lesson];
  return [
    `${lessons.length - missing.length} of ${lessons.length} lessons of the track "${title}" are passed. These are missing:`,
    ...rows,
    '',
    `Next: npm run check ${shortName(next)}`,
  ].join('\n');
}

function certificateOf(name: string, track: Track): Certificate {
  return {
    name,
    track: track.title,
    minutes: minutesOf(track),
    lessons: lessonsOf(track).map(({ number, title }) => ({ number, title })),
    judges: judges
      .map((judge) => ({ ...judge, lessons: judge.lessons.filter((number) => track.lessons.includes(number)) }))
      .filter(({ lessons }) => lessons.length > 0),
  };
}

const styles = `
  @page { size: A4; margin: 15mm; }
  :root { color-scheme: light dark; --text: #1b1b1b; --page: #fff; --accent: #1b5e8c; }
  @media screen and (prefers-color-scheme: dark) { :root { --text: #e4e4e4; --page: #16191d; --accent: #7cc0ee; } }
  body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); }
  main { border: 2px solid var(--accent); outline: 1px solid var(--accent); outline-offset: -8px; padding: clamp(1.2rem, 5vw, 2.4rem); }
  h1 { margin: 0; font-size: 1.2rem; font-weight: 600; color: var(--accent); }
  .name { margin: 0.5rem 0; font-size: 2.2rem; line-height: 1.2; font-weight: 700; overflow-wrap: anywhere; }
  .whole { white-space: nowrap; }
  h2 { font-size: 1rem; margin: 1.2rem 0 0.3rem; }
  ol { columns: 2 14rem; margin: 0; padding-left: 0; list-style: none; font-size: 0.85rem; }
  ol li { padding-left: 2rem; text-indent: -2rem; break-inside: avoid; }
  ol b { display: inline-block; width: 2rem; text-indent: 0; color: var(--accent); }
  ul { margin: 0; padding-left: 1.2rem; font-size: 0.85rem; }
  @media print { body { margin: 0; padding: 0; max-width: none; } main { break-inside: avoid; } }
`;

function pageOf({ name, track, minutes, lessons, judges }: Certificate): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Certificate · ${name}</title>
        <style>
          ${raw(styles)}
        </style>
      </head>
      <body>
        <main>
          <h1>Chunk by Chunk</h1>
          <p class="name">${name}</p>
          <p>
            has built servers and clients from a plain HTTP stream to the Model Context Protocol, and passed all
            ${lessons.length} lessons of the track “${track}”, about
            <span class="whole">${hoursAndMinutes(minutes)}</span> of work.
          </p>
          <h2>What was built</h2>
          <ol>
            ${lessons.map(({ number, title }) => html`<li><b>${number}</b> ${title}</li> `)}
          </ol>
          <h2>Who accepts it</h2>
          <ul>
            <li>The graders of these lessons, which hold a program in the middle of its work and look at the wire.</li>
            ${judges.map(({ name, verdict, lessons }) => html`<li>${name} ${verdict} (${lessons.length === 1 ? 'lesson' : 'lessons'} ${inRanges(lessons)}).</li> `)}
          </ul>
        </main>
      </body>
    </html> `;
  return page.markup;
}
