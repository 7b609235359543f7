import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import json from 'highlight.js/lib/languages/json';
import typescript from 'highlight.js/lib/languages/typescript';
import { escapeInvisible } from '../../../test/harness/wire/printable.js';
import { escape, html, raw, type Html } from './html.ts';

hljs.registerLanguage('typescript', typescript);
hljs.registerLanguage('json', json);
hljs.registerLanguage('bash', bash);

/** Code in colour; of a language that the lessons do not use, as it is. */
export const highlight = (code: string, language: string): Html =>
  raw(hljs.getLanguage(language) ? hljs.highlight(escapeInvisible(code, '\n\r\t'), { language }).value : escape(code));

/** The language that the end of a file's name tells. */
export const languageOf = (file: string): string => file.slice(file.lastIndexOf('.') + 1);

/** A block of code. `label` names it to those who do not see it. A command has room for a button that copies it. */
export function codeBlock(code: string, language: string, label: string): Html {
  const block = html`<pre
    class="code"
    data-language="${language}"
    aria-label="${label}"
  ><code class="hljs">${highlight(code.trimEnd(), language)}</code></pre>`;
  return language === 'sh' ? html`<div class="copyable">${block}</div>` : block;
}
