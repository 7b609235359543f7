// The lessons' text as markup. Raw HTML stays text, and a link leads to a page of the reader or to the web.
import MarkdownIt, { type Token } from 'markdown-it';
import { catalog } from '../../../lessons/catalog.ts';
import { revisionsName } from '../lessons.ts';
import { codeBlock } from './code.ts';
import { html, raw, type Html } from './html.ts';
import { sources } from './sources.ts';
import { timeline } from './timeline.ts';
import { captureFrom } from './wire-fence.ts';

type Heading = { id: string; level: number; text: string };

const markdown = new MarkdownIt({ html: false }).disable('image');

const { rules } = markdown.renderer;
rules.fence = (tokens, i) => {
  const { info, content } = tokens[i]!;
  const language = info.trim();
  return (language === 'wire' ? timeline(captureFrom(content), 'A wire capture') : codeBlock(content, language, 'Code'))
    .markup;
};
rules.code_block = (tokens, i) => codeBlock(tokens[i]!.content, 'txt', 'Code').markup;
rules.table_open = () => '<div class="table"><table>';
rules.table_close = () => '</table></div>';
rules.heading_close = (tokens, i) => {
  const id = tokens[i - 2]?.attrGet('id');
  const anchor = id && html` <a class="anchor" href="#${id}" aria-label="Link to “${plainText(tokens[i - 1]!)}”">#</a>`;
  return `${anchor ? anchor.markup : ''}</${tokens[i]!.tag}>\n`;
};

/** A sentence with its code and emphasis, and without a paragraph around it. */
export const inline = (text: string): Html => raw(markdown.renderInline(text));

/** Text in which only backticks mean something: it may quote what a program said. */
export const withCode = (text: string): Html =>
  html`${text.split(/`([^`]+)`/).map((part, i) => (i % 2 ? html`<code>${part}</code>` : part))}`;

/** A piece of a lesson's text, such as an answer. Links in it begin in `folder`, which is below lessons/. */
export function markup(text: string, folder: string): Html {
  const tokens = markdown.parse(text, {});
  restrictLinks(tokens, folder);
  return raw(markdown.renderer.render(tokens, markdown.options, {}));
}

/** A lesson's page: its headings can be linked to, and the bullets of its tasks are marked as requirements. */
export function lessonText(text: string, folder: string): { body: Html; headings: Heading[] } {
  const tokens = markdown.parse(text, {});
  restrictLinks(tokens, folder);
  const headings = nameHeadings(tokens);
  markRequirements(tokens);
  return { body: raw(markdown.renderer.render(tokens, markdown.options, {})), headings };
}

function nameHeadings(tokens: Token[]): Heading[] {
  const headings: Heading[] = [];
  for (const [i, token] of tokens.entries()) {
    if (token.type !== 'heading_open') continue;
    const text = plainText(tokens[i + 1]!);
    const level = Number(token.tag.slice(1));
    const base =
      level === 1
        ? 'top'
        : (/^Task \d+/.exec(text)?.[0] ?? text)
            .toLowerCase()
            .replace(/[^\p{L}\p{N}]+/gu, '-')
            .replace(/^-|-$/g, '');
    const same = headings.filter(({ id }) => id === base || id.startsWith(`${base}--`)).length;
    const id = same ? `${base}--${same + 1}` : base;
    if (level > 1) token.attrSet('id', id);
    headings.push({ id, level, text });
  }
  return headings;
}

const plainText = (token: Token): string =>
  (token.children ?? []).map(({ type, content }) => (type === 'softbreak' ? ' ' : content)).join('');

/** Counts as `pageOf` in ../page.ts does. */
function markRequirements(tokens: Token[]): void {
  let task: string | undefined;
  let count = 0;
  for (const [i, token] of tokens.entries()) {
    if (token.type === 'heading_open' && (token.tag === 'h1' || token.tag === 'h2')) {
      task = token.tag === 'h2' ? /^Task (\d+) · /.exec(tokens[i + 1]!.content)?.[1] : undefined;
      count = 0;
    } else if (task && token.type === 'list_item_open' && token.info === '') {
      token.attrSet('class', 'requirement');
      token.attrSet('data-requirement', `${task}.${count++}`);
    }
  }
}

function restrictLinks(tokens: Token[], folder: string): void {
  const files = sources();
  for (const { children } of tokens) {
    for (const token of children ?? []) {
      if (token.type !== 'link_open') continue;
      const href = pageFor(String(token.attrGet('href') ?? ''), folder, files);
      token.attrs = href === undefined ? [] : [['href', href]];
      if (href && /^https?:/.test(href)) token.attrs.push(['rel', 'noreferrer'], ['target', '_blank']);
    }
  }
}

/** Where a link in a lesson leads: to the web, to a lesson, to a file of the lessons, or nowhere. */
function pageFor(href: string, folder: string, files: Map<string, string>): string | undefined {
  if (href.startsWith('#')) return href;
  const base = `http://reader/lessons/${folder}`;
  if (!URL.canParse(href, base)) return undefined;
  const url = new URL(href, base);
  if (url.host !== 'reader') return /^https?:$/.test(url.protocol) ? url.href : undefined;
  const path = url.pathname.replace(/^\/lessons\//, '').replace(/(^|\/)(README\.md)?$/, '');
  const known = catalog.some(({ slug }) => slug === path)
    ? `${path}/`
    : files.has(path) || path === revisionsName
      ? path
      : undefined;
  return known && `/lessons/${known}${url.hash}`;
}
