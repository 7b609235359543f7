// The tasks beside the text: what is passed, and why something is not.
import { join } from 'node:path';
import { catalog, type Lesson } from '../../../lessons/catalog.ts';
import { root } from '../../../test/harness/folders.js';
import type { RequirementVerdict, State, TaskVerdict, Verdict } from '../../../test/harness/run/verdict.ts';
import { Refusal } from '../command.ts';
import { lessonFolder, shortName } from '../lessons.ts';
import type { PageTask } from '../page.ts';
import { standing, tasksPassed } from '../progress.ts';
import { failureText } from '../report.ts';
import { forShell } from '../shell.ts';
import { keyOf, type Grading } from './board.ts';
import type { EditorLink } from './editor.ts';
import { html, type Html } from './html.ts';
import { tasksOf } from './lesson-tasks.ts';
import { inline, withCode } from './markdown.ts';
import { recorded } from './recorded.ts';
import { timeline } from './timeline.ts';

/** Of a requirement on the page: also before it is graded. */
type Shown = State | 'running' | 'unknown';

/** How a state is called, to those who do not see its mark. */
const words: Record<Shown, string> = {
  passed: 'passed',
  failed: 'not met',
  waiting: 'waits',
  running: 'being graded',
  unknown: 'not checked yet',
};

const whileGrading = 'Grading …';

const mark = (state: Shown): Html => html`<span class="mark" role="img" aria-label="${words[state]}"></span>`;

/** The part of a lesson's page that changes with each run. */
export function tasksPanel(lesson: Lesson, grading: Grading, editor: EditorLink): Html {
  const tasks = tasksOf(lesson);
  const { running, verdict, error } = grading;
  const { progress } = recorded();
  const now = standing(progress, lesson);
  const done = tasksPassed(progress, lesson);
  const stateOf = (task: PageTask, i: number): Shown => {
    if (running) return running.get(keyOf(task.number, i)) ?? 'running';
    const graded = verdict?.tasks.find(({ number }) => number === task.number)?.requirements[i];
    return graded?.state ?? (task.number <= done ? 'passed' : 'unknown');
  };
  const states = tasks.map((task) => task.requirements.map((_, i) => stateOf(task, i)));
  const open = Math.max(
    0,
    states.findIndex((each) => each.some((state) => state !== 'passed')),
  );
  const passed = states.filter((each) => each.every((state) => state === 'passed')).length;
  const state = running
    ? 'running'
    : error
      ? 'failed'
      : passed === tasks.length
        ? 'passed'
        : verdict
          ? 'failed'
          : 'unknown';
  return html`<div id="live" data-state="${state}" data-words="${JSON.stringify(words)}" data-running="${whileGrading}">
    <p class="summary">
      ${mark(state)}
      <strong>${summary(grading, passed, tasks.length, now.state === 'changed since it passed')}</strong>${
        !running && grading.took !== undefined && html` <span class="took">in ${seconds(grading.took)}</span>`
      }
    </p>
    ${error && !running && whyNot(error)} ${state === 'passed' && passedNote(lesson)}
    <ol class="tasks">
      ${tasks.map((task, i) => {
        const each = states[i]!;
        const graded = verdict?.tasks.find(({ number }) => number === task.number);
        return html`<li>
          <details
            class="task"
            id="requirements-${task.number}"
            data-state="${overall(each)}"
            ${i === open && state !== 'passed' && html` open`}
          >
            <summary>
              ${mark(overall(each))}
              <span class="title"><span class="number">Task ${task.number}</span> ${inline(task.title)}</span>
              <span class="count">${countOf(each)}</span>
            </summary>
            ${graded?.note && html`<p class="note">${graded.note}</p>`}
            <ul class="requirements">
              ${task.requirements.map((sentence, k) => {
                const requirement = graded?.requirements[k];
                return html`<li data-state="${each[k]!}" data-key="${keyOf(task.number, k)}">
                  ${mark(each[k]!)} <span class="sentence">${inline(sentence)}</span>${
                    requirement?.explanation && explain(lesson, graded!, requirement, verdict!, editor)
                  }
                </li> `;
              })}
            </ul>
          </details>
        </li> `;
      })}
    </ol>
  </div>`;
}

/** A file that is missing is the learner's to put back; anything else is ours. */
const whyNot = (error: Error): Html =>
  error instanceof Refusal
    ? html`<div class="verdict">
        <p class="cause">${error.message.split('\n')[0]!}</p>
        <p class="advice">${error.message.split('\n').slice(1).join(' ')}</p>
      </div>`
    : html`<div class="verdict">
        <p class="cause">The grader could not run, which says nothing about your programs.</p>
        <pre class="output" aria-label="The error">${error.message}</pre>
      </div>`;

const countOf = (states: Shown[]): string =>
  `${states.filter((state) => state === 'passed').length} of ${states.length}`;

function overall(states: Shown[]): Shown {
  const worst: Shown[] = ['failed', 'running', 'waiting', 'unknown'];
  return worst.find((state) => states.includes(state)) ?? 'passed';
}

function summary({ running, verdict, error }: Grading, passed: number, of: number, changed: boolean): string {
  if (running) return whileGrading;
  if (error) return 'Not graded';
  if (changed && !verdict) return 'Passed; changed since then';
  if (passed === of) return 'Passed';
  return verdict || passed > 0 ? `${passed} of ${of} tasks` : 'Not checked yet';
}

const seconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

function passedNote(lesson: Lesson): Html {
  const next = catalog.find(({ number }) => number === lesson.number + 1);
  return html`<div class="passed-note">
    <p>All of its requirements are met.</p>
    <p>
      ${
        next
          ? html`<a class="button primary" href="/lessons/${next.slug}/" data-key="n"
              >Lesson ${next.number}: ${next.title} <span aria-hidden="true">→</span></a
            >`
          : html`It was the last lesson. <a href="/">The whole course</a>`
      }
    </p>
    <p><a href="/lessons/${lesson.slug}/solution" data-sheet>Another way to write it</a></p>
  </div>`;
}

function explain(
  lesson: Lesson,
  task: TaskVerdict,
  requirement: RequirementVerdict,
  verdict: Verdict,
  editor: EditorLink,
): Html {
  const { cause, output, compare, wire, advice, at, see, seeHow } = requirement.explanation!;
  const { seed } = verdict;
  return html`<div class="verdict">
    <p class="cause">${withCode(cause)}</p>
    ${output && html`<pre class="output" aria-label="What the program said">${output}</pre>`}
    ${
      compare &&
      html`<dl class="compare">
        <div class="expected">
          <dt>expected</dt>
          <dd><code>${compare.expected}</code></dd>
        </div>
        <div class="received">
          <dt>received</dt>
          <dd><code>${compare.received}</code></dd>
        </div>
      </dl>`
    }
    ${wire && wire.length > 0 && timeline(wire, 'What went over the wire until then', { legend: true })}
    ${advice && html`<p class="advice">${withCode(advice)}</p>`}
    <dl class="next-steps">
      ${
        at &&
        html`<div>
          <dt>look in</dt>
          <dd>${place(at, editor)}</dd>
        </div>`
      }
      ${
        see &&
        html`<div>
          <dt>see it yourself</dt>
          <dd>${command(forShell(see))}${seeHow && `, ${seeHow}`}</dd>
        </div>`
      }
      <div>
        <dt>a hint</dt>
        <dd><a href="/lessons/${lesson.slug}/hints?task=${task.number}" data-sheet>questions about this task</a></dd>
      </div>
      <div>
        <dt>the same again</dt>
        <dd>
          ${command(`npm run check ${shortName(lesson)} -- --seed ${seed}`)}
          <button type="button" class="small" data-post="check" data-seed="${seed}">check with this seed</button>
        </dd>
      </div>
      <div>
        <dt>ask somebody</dt>
        <dd>
          <button type="button" class="small" data-text="${failureText(lesson, task, requirement, verdict)}">
            copy this verdict as text
          </button>
        </dd>
      </div>
    </dl>
  </div>`;
}

function place(at: string, editor: EditorLink): Html {
  const [, path, line] = /^(.*?)(?::(\d+))?$/.exec(at)!;
  return html`<a href="${editor(join(root, path!), line)}" data-key="e"><code>${at}</code></a>`;
}

/** A command that can be copied. */
const command = (text: string): Html => html`<code class="command" data-copy>${text}</code>`;

/** The files that a learner edits, as links into the editor. */
export const editorLinksOf = (lesson: Lesson, files: readonly string[], editor: EditorLink): Html =>
  html`${files.map((file) => html`<a class="button" href="${editor(join(lessonFolder(lesson), file))}" data-open aria-label="Open ${file} in the editor">${file} <span aria-hidden="true">↗</span></a> `)}`;
