import { catalog, minutesOf, tracks, type Lesson } from '../../../lessons/catalog.ts';
import { readText } from '../files.ts';
import { currentTask } from '../hint.ts';
import { learnerFiles, readLessonText, readOwn, readRevisions, shortName } from '../lessons.ts';
import { readHints } from '../page.ts';
import { nextLesson, standing, tasksPassed } from '../progress.ts';
import { hoursAndMinutes, inRanges } from '../show-progress.ts';
import { solutionOf } from '../solution.ts';
import { startersOf } from '../starters.ts';
import { actions, type Action } from './actions.ts';
import type { Grading } from './board.ts';
import { codeBlock, highlight, languageOf } from './code.ts';
import { diffLines, hunks } from './diff.ts';
import type { EditorLink } from './editor.ts';
import { html, type Html } from './html.ts';
import { tasksIfReadable, tasksOf } from './lesson-tasks.ts';
import { inline, lessonText, markup, withCode } from './markdown.ts';
import { editorLinksOf, tasksPanel } from './panel.ts';
import { recorded } from './recorded.ts';

type Page = {
  title: string;
  /** Where in the course it is, beside the course's name. */
  where?: Html;
  /** Of the last event that the page has in it. */
  lastId?: string;
  lesson?: Lesson;
  main: Html;
  /** Dialogs of this page. */
  dialogs?: Html;
};

function layout({ title, where, lastId, lesson, main, dialogs }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/code.css">
<link rel="stylesheet" href="/styles.css">
<script src="/reader.js"></script>
</head>
<body${lastId && html` data-last-id="${lastId}"`}${lesson && html` data-lesson="${lesson.slug}"`}>
<a class="skip" href="#main">To the text</a>
${lesson && lastId && html`<a class="skip" href="#tasks">To your tasks</a>`}
<header class="top">
<a class="home" href="/" aria-label="Chunk by Chunk" data-key="l"><svg width="22" height="16" viewBox="0 0 22 16" aria-hidden="true"><rect x="0" y="0" width="8" height="4" rx="2"/><rect x="7" y="6" width="8" height="4" rx="2"/><rect x="14" y="12" width="8" height="4" rx="2"/></svg> <span class="name">Chunk by Chunk</span></a>
${where && html`<span class="where">${where}</span>`}
<span class="connection" id="connection" hidden>not connected, trying again</span>
<button type="button" class="quiet" id="larger" aria-pressed="false" data-key="t"><span aria-hidden="true">A<b>A</b></span><span class="unseen">Larger type</span></button>
<button type="button" class="quiet" id="show-keys" aria-label="Keys">?</button>
</header>
<p class="unseen" role="status" id="status"></p>
<section class="notice" id="notice" aria-label="Notice" hidden></section>
${main}
${keysDialog(lesson !== undefined)}
<dialog id="sheet" aria-label="${title}"><button type="button" class="quiet close" data-close aria-label="Close">✕</button><div id="sheet-content"></div></dialog>
${dialogs}
</body>
</html>
`.markup;
}

const keys: [key: string, does: string, where: 'lesson' | 'course' | 'everywhere'][] = [
  ...actions.map(({ key, does }) => [key, does, 'lesson'] as [string, string, 'lesson']),
  ['v', 'go to the verdict', 'lesson'],
  ['e', 'open the file in the editor', 'lesson'],
  ['n', 'the next lesson', 'lesson'],
  ['p', 'the lesson before', 'lesson'],
  ['g', 'go on: the first lesson that is not passed', 'course'],
  ['l', 'the list of lessons', 'everywhere'],
  ['t', 'larger type', 'everywhere'],
  ['?', 'these keys', 'everywhere'],
];

const keysDialog = (ofLesson: boolean): Html =>
  html`<dialog id="keys" aria-labelledby="keys-title">
    <button type="button" class="quiet close" data-close aria-label="Close">✕</button>
    <h2 id="keys-title">Keys</h2>
    <dl class="keys">
      ${keys
        .filter(([, , where]) => where === 'everywhere' || where === (ofLesson ? 'lesson' : 'course'))
        .map(
          ([key, does]) =>
            html`<div>
              <dt><kbd>${key}</kbd></dt>
              <dd>${does}</dd>
            </div>`,
        )}
      <div>
        <dt><kbd>Esc</kbd></dt>
        <dd>close what is open</dd>
      </div>
    </dl>
    <p>
      <label><input type="checkbox" id="keys-on" checked /> Single keys do this. <kbd>?</kbd> always works.</label>
    </p>
  </dialog>`;

/** The course: its parts and lessons, and where to go on. */
export function coursePage(lastId: string): string {
  return layout({
    title: 'Chunk by Chunk',
    lastId,
    main: html`<main id="main" class="course">
      <h1>Chunk by Chunk</h1>
      <p class="lead">From a plain HTTP stream to the Model Context Protocol, one graded lesson at a time.</p>
      ${courseList()}
    </main>`,
  });
}

/** The part of the course page that changes with each verdict. */
export function courseList(): Html {
  const { progress, trouble } = recorded();
  const next = nextLesson(progress);
  const passed = catalog.filter((lesson) => standing(progress, lesson).state === 'passed').length;
  const parts = [...new Set(catalog.map(({ part }) => part))];
  return html`<div id="course">
    ${trouble && html`<div class="verdict">${trouble.split('\n').map((line) => html`<p>${line}</p>`)}</div>`}
    <div class="overall">
      <progress max="${catalog.length}" value="${passed}" aria-label="Lessons passed"></progress
      ><span>${passed} of ${catalog.length} lessons passed</span>
    </div>
    ${
      next
        ? html`<p class="go-on">
            <a class="button primary" href="/lessons/${next.slug}/" data-key="g"
              >${passed === 0 && next.number === 1 ? 'Begin with' : 'Go on with'} lesson ${next.number}: ${next.title}
              <span aria-hidden="true">→</span></a
            >
            <span class="minutes">${next.minutes} minutes</span>
          </p>`
        : html`<p class="go-on">Every lesson is passed.</p>`
    }
    ${parts.map((part) => {
      const lessons = catalog.filter((lesson) => lesson.part === part);
      const minutes = lessons.reduce((sum, lesson) => sum + lesson.minutes, 0);
      return html`<section class="part" aria-labelledby="${idOf(part)}">
        <h2 id="${idOf(part)}">${part} <span class="minutes">${hours(minutes)}</span></h2>
        <ol>
          ${lessons.map((lesson) => {
            const now = standing(progress, lesson);
            const done = tasksPassed(progress, lesson);
            const { tasks, trouble } = tasksIfReadable(lesson);
            const state = pageStates[now.state];
            return html`<li id="lesson-${lesson.number}" data-state="${state}" ${lesson === next && html` data-next`}>
              <span class="mark" role="img" aria-label="${now.state}"></span>
              <div>
                <h3>
                  <a href="/lessons/${lesson.slug}/"><span class="number">${lesson.number}</span> ${lesson.title}</a>
                </h3>
                <ul class="tasks-of">
                  ${tasks.map(({ number, title }) => html`<li data-state="${number <= done ? 'passed' : 'unknown'}"><span class="mark" role="img" aria-label="${number <= done ? 'passed' : 'not passed'}"></span> <a href="/lessons/${lesson.slug}/#task-${number}">${inline(title)}</a></li>`)}
                </ul>
                ${trouble && html`<p class="changed">${trouble}</p>`}
                ${now.state === 'changed since it passed' && html`<p class="changed">Your files have changed since it passed.</p>`}
                ${now.state === 'has the solution' && html`<p class="changed">The workshop's solution is in place, so you can go on.</p>`}
              </div>
              <span class="minutes">${lesson.minutes} min</span>
            </li> `;
          })}
        </ol>
      </section>`;
    })}
    <section class="part" aria-labelledby="tracks">
      <h2 id="tracks">Tracks</h2>
      <div class="table">
        <table>
          <thead>
            <tr>
              <th>Time</th>
              <th>Lessons</th>
              <th>Work</th>
              <th>Goal</th>
            </tr>
          </thead>
          <tbody>
            ${tracks.map(
              (track) =>
                html`<tr>
                  <td>${track.title}</td>
                  <td>${inRanges(track.lessons)}</td>
                  <td>${hoursAndMinutes(minutesOf(track))}</td>
                  <td>${track.goal}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>
  </div>`;
}

const pageStates = {
  passed: 'passed',
  'has the solution': 'begun',
  'changed since it passed': 'begun',
  begun: 'begun',
  'not begun': 'unknown',
};

const idOf = (part: string): string => part.toLowerCase().replaceAll(' ', '-');
const hours = (minutes: number): string =>
  minutes < 90 ? `${minutes} minutes` : `about ${Math.round(minutes / 30) / 2} hours`;

const whereIs = (lesson: Lesson): Html =>
  html`<a href="/lessons/${lesson.slug}/">Lesson ${lesson.number} <span class="title">· ${lesson.title}</span></a>`;

/** A lesson: its text, and beside it its tasks. */
export function lessonPage(lesson: Lesson, grading: Grading, editor: EditorLink, lastId: string): string {
  const { body, headings } = lessonText(readLessonText(lesson, 'README.md'), `${lesson.slug}/`);
  const [before, next] = [-1, 1].map((by) => catalog.find(({ number }) => number === lesson.number + by));
  return layout({
    title: `${lesson.number} · ${lesson.title}`,
    where: html`Lesson ${lesson.number} <span class="of">of ${catalog.length}</span>
      <span class="title">· ${lesson.title}</span>`,
    lastId,
    lesson,
    main: html`<div class="lesson-frame">
      <div class="lesson">
        <nav class="contents" aria-label="On this page">
          <ol>
            ${headings
              .filter(({ level }) => level === 2)
              .map(({ id, text }) => html`<li><a href="#${id}">${text}</a></li>`)}
          </ol>
        </nav>
        <main id="main" class="text">
          ${body}
          <nav class="turn" aria-label="Lessons">
            ${before && html`<a href="/lessons/${before.slug}/" data-key="p" rel="prev"><span aria-hidden="true">←</span> ${before.number} · ${before.title}</a>`}${
              next &&
              html`<a href="/lessons/${next.slug}/" data-key="n" rel="next"
                >${next.number} · ${next.title} <span aria-hidden="true">→</span></a
              >`
            }
          </nav>
        </main>
        <nav class="bar" aria-label="Your tasks">
          <a href="#tasks"
            ><span class="mark" aria-hidden="true"></span> <span id="bar-text"></span>
            <span class="arrow">Your tasks <span aria-hidden="true">↓</span></span></a
          >
        </nav>
        <aside class="panel" id="tasks" aria-labelledby="tasks-title" tabindex="-1">
          <div class="panel-head">
            <h2 id="tasks-title">Your tasks</h2>
            ${button(lesson, actions[0], 'button primary')}
          </div>
          <div class="actions">
            ${actions.slice(1).map((action) => button(lesson, action, 'button'))}
            ${editorLinksOf(lesson, learnerFiles, editor)}
          </div>
          ${tasksPanel(lesson, grading, editor)}
          <p class="files">
            A save of ${learnerFiles.map((file, i) => html`${i > 0 && ' or '}<code>${file}</code>`)} is a check.
          </p>
        </aside>
      </div>
    </div>`,
    dialogs: html`${actions.map(question)}`,
  });
}

/** A page is a link, which also opens in a tab of its own; anything else is a button. */
function button(lesson: Lesson, action: Action, look: string): Html {
  const { name, label, key } = action;
  if (action.opens === 'page') {
    const address = `/lessons/${lesson.slug}/${name}`;
    return html`<a class="${look}" href="${address}" data-action="${name}" data-sheet data-key="${key}">${label}</a> `;
  }
  const does = action.asks ? html`data-ask="${name}"` : html`data-post="${name}"`;
  return html`<button
    type="button"
    class="${look}"
    data-action="${name}"
    ${does}
    data-busy="${action.busy}"
    data-key="${key}"
  >
    ${label}
  </button> `;
}

/** The dialog of an action that asks first. */
function question(action: Action): Html | undefined {
  if (action.opens === 'page' || !action.asks) return undefined;
  const { name, asks } = action;
  return html`<dialog id="${name}" aria-labelledby="${name}-title">
    <h2 id="${name}-title">${asks.title}</h2>
    <p>${withCode(asks.text)}</p>
    <p class="choice">
      <button type="button" class="button primary" data-post="${name}">${asks.yes}</button>
      <button type="button" class="button" data-close>${asks.no}</button>
    </p>
  </dialog>`;
}

/** The questions about one task; an answer is shown when it is asked for. */
export function hintsPage(lesson: Lesson, asked: string | null): string | undefined {
  const tasks = tasksOf(lesson);
  const number = asked === null ? currentTask(lesson, tasks.length) : Number(asked);
  const task = tasks.find((task) => task.number === number);
  if (!task) return undefined;
  const hints = readHints(lesson).filter((hint) => hint.task === number);
  return small(
    lesson,
    `Hints · task ${number}`,
    html` <p class="task-title">${inline(task.title)}</p>
      ${hints.map(
        ({ question, answer }) =>
          html`<details class="hint" name="hint">
            <summary>${inline(question)}</summary>
            <div>${markup(answer, `${lesson.slug}/`)}</div>
          </details> `,
      )}
      <p class="others">
        Another task:
        ${tasks
          .filter((other) => other !== task)
          .map(
            (other) =>
              html`<a href="/lessons/${lesson.slug}/hints?task=${other.number}" data-sheet>task ${other.number}</a> `,
          )}
      </p>`,
  );
}

/** The solution, task by task: of those that are passed, and of the one that is asked for. */
export function solutionPage(lesson: Lesson, reveal: string | null): string {
  const passed = tasksPassed(recorded().progress, lesson);
  return small(
    lesson,
    'Solution',
    html` ${tasksOf(lesson).map(({ number, title }) => {
        const shown = number <= passed || String(number) === reveal;
        return html`<section class="solution" id="task-${number}">
          <h2><span class="number">Task ${number}</span> ${inline(title)}</h2>
          ${
            shown
              ? solutionOf(lesson, number).map(
                  ({ file, title, code }) =>
                    html`<p class="piece"><code>${file}</code> · ${title}</p>
                      ${codeBlock(code, 'ts', `${file}: ${title}`)}`,
                )
              : html`<p>
                    You have not passed this task yet.
                    <a href="/lessons/${lesson.slug}/hints?task=${number}" data-sheet>A hint</a> may be enough.
                  </p>
                  <p>
                    <a class="button" href="/lessons/${lesson.slug}/solution?reveal=${number}" data-sheet
                      >Show it all the same</a
                    >
                  </p>`
          }
        </section>`;
      })}
      <p class="others">
        To put all of it in place:
        <code class="command" data-copy>npm run solution ${shortName(lesson)} -- --apply</code>
      </p>`,
  );
}

/** In code every space counts: this one is not the formatter's. */
const lineBreak = '\n';
const signs = { same: ' ', removed: '−', added: '+' };

/** What the learner has changed, beside the starter. */
export function diffPage(lesson: Lesson): string {
  return small(
    lesson,
    'My changes',
    html`${startersOf(lesson).map(({ text }, i) => {
      const file = learnerFiles[i]!;
      const mine = readOwn(lesson, file)?.replaceAll('\r\n', '\n');
      const changes = mine === undefined ? [] : hunks(diffLines(text.trimEnd(), mine.trimEnd()));
      return html`<section>
        <h2><code>${file}</code></h2>
        ${
          mine === undefined
            ? html`<p>
                It is not there.
                <code class="command" data-copy>npm run reset ${shortName(lesson)} -- --missing</code> puts the starter
                back.
              </p>`
            : changes.length === 0
              ? html`<p>It is still the starter.</p>`
              : changes.map(
                  (lines) =>
                    html`<pre class="code diff" aria-label="Changes of ${file}"><code class="hljs">${lines.map(
                      ({ kind, text }) =>
                        html`<span class="line ${kind}"
                          ><span class="sign">${signs[kind]}</span>${text}${lineBreak}</span
                        >`,
                    )}</code></pre>`,
                )
        }
      </section>`;
    })}`,
  );
}

/** What tells the revisions of MCP apart. */
export function revisionsPage(): string {
  const { body, headings } = lessonText(readRevisions(), '');
  return layout({
    title: headings[0]!.text,
    main: html`<div class="leaf"><main id="main" class="text">${body}</main></div>`,
  });
}

/** A file of a lesson, with a number to each line. */
export function sourcePage(name: string, path: string, editor: EditorLink): string {
  const code = readText(path, 'The page shows only files that can be read.').trimEnd();
  const lesson = catalog.find(({ slug }) => name.startsWith(`${slug}/`));
  return layout({
    title: name,
    ...(lesson && { where: whereIs(lesson) }),
    main: html`<main id="main" class="source">
      <h1><code>lessons/${name}</code></h1>
      <p>
        <a class="button" href="${editor(path)}">Open in the editor</a
        >${lesson && html` <a class="button" href="/lessons/${lesson.slug}/">Back to the lesson</a>`}
      </p>
      <div class="listing">
        <pre class="numbers">
${code.split('\n').map((_, i) => html`<a id="L${i + 1}" href="#L${i + 1}" aria-label="Line ${i + 1}">${i + 1}</a>${lineBreak}`)}</pre>
        <pre class="code" aria-label="${name}"><code class="hljs">${highlight(code, languageOf(name))}</code></pre>
      </div>
    </main>`,
  });
}

export const messagePage = (title: string, text: string): string =>
  layout({
    title,
    main: html`<main id="main" class="leaf">
      <h1>${title}</h1>
      ${text.split('\n').map((line) => html`<p>${line}</p>`)}
      <p><a href="/">The course</a></p>
    </main>`,
  });

/** A page of its own that a lesson's page also shows in a dialog. */
const small = (lesson: Lesson, title: string, content: Html): string =>
  layout({
    title: `${title} · lesson ${lesson.number}`,
    where: whereIs(lesson),
    main: html`<main id="main" class="leaf">
      <h1>${title}</h1>
      ${content}
    </main>`,
  });
