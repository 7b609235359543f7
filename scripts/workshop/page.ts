import MarkdownIt, { type Token } from 'markdown-it';
import type { Lesson } from '../../lessons/catalog.ts';
import { readLessonText } from './lessons.ts';

export type PageTask = { number: number; title: string; requirements: string[] };

/** What a program reads from a lesson's README: its tasks with their requirements, and its code fences. */
export type Page = {
  title: string;
  tasks: PageTask[];
  /** In order; `info` is what stands behind the backticks. */
  fences: { info: string; code: string; line: number }[];
};

export type Hint = { task: number; question: string; answer: string };

/** Knows blocks only. What is in their lines stays text, so that the READMEs of all lessons are parsed in milliseconds. */
const blocks = new MarkdownIt({ html: false });
blocks.core.ruler.enableOnly(['normalize', 'block']);

const parse = (markdown: string): Token[] => blocks.parse(markdown, {});

export const readPage = (lesson: Lesson): Page => pageOf(readLessonText(lesson, 'README.md'));

/** Every bullet under a heading `Task N · …` is a requirement; its line breaks are spaces. Numbered items are only text. */
export function pageOf(markdown: string): Page {
  const page: Page = { title: '', tasks: [], fences: [] };
  let task: PageTask | undefined;
  let bullets = 0;
  const tokens = parse(markdown);
  for (const [i, token] of tokens.entries()) {
    const heading = tokens[i - 1]?.type === 'heading_open' ? tokens[i - 1]!.tag : undefined;
    if (token.type === 'fence') {
      page.fences.push({ info: token.info.trim(), code: token.content, line: (token.map?.[0] ?? 0) + 1 });
    } else if (token.type === 'bullet_list_open') {
      bullets++;
    } else if (token.type === 'bullet_list_close') {
      bullets--;
    } else if (token.type === 'inline' && bullets > 0) {
      task?.requirements.push(token.content.replaceAll('\n', ' '));
    } else if (token.type === 'inline' && heading) {
      const [, number, title] = /^Task (\d+) · (.+)$/.exec(token.content) ?? [];
      if (heading === 'h1') page.title = token.content;
      if (heading === 'h1' || heading === 'h2') task = undefined;
      if (heading === 'h2' && number && title) {
        task = { number: Number(number), title, requirements: [] };
        page.tasks.push(task);
      }
    }
  }
  return page;
}

/** The text of one task, from its heading to the next heading of its rank, as Markdown; undefined when there is none. */
export function taskText(markdown: string, number: number): string | undefined {
  const tokens = parse(markdown);
  const headings = tokens.flatMap((token, i) =>
    token.type === 'heading_open' && token.tag === 'h2' ? [{ line: token.map![0], title: tokens[i + 1]!.content }] : [],
  );
  const index = headings.findIndex(({ title }) => title.startsWith(`Task ${number} · `));
  if (index < 0) return undefined;
  return markdown
    .split('\n')
    .slice(headings[index]!.line, headings[index + 1]?.line)
    .join('\n')
    .trim();
}

export const readHints = (lesson: Lesson): Hint[] => hintsOf(readLessonText(lesson, 'hints.md'));

/** `## Task N` holds `### A question?` with its answer as Markdown. */
function hintsOf(markdown: string): Hint[] {
  const hints: Hint[] = [];
  let task = 0;
  for (const line of markdown.split(/\r?\n/)) {
    const [, number] = /^## Task (\d+)/.exec(line) ?? [];
    const [, question] = /^### (.+)$/.exec(line) ?? [];
    if (number) task = Number(number);
    else if (question) hints.push({ task, question, answer: '' });
    else if (hints.length > 0) hints.at(-1)!.answer += `${line}\n`;
  }
  return hints.map((hint) => ({ ...hint, answer: hint.answer.trim() }));
}
