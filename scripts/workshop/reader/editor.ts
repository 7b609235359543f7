import { pathToFileURL } from 'node:url';
import { Refusal } from '../command.ts';

/** The address that opens a file in the editor, at a line. */
export type EditorLink = (path: string, line?: string) => string;

/**
 * `name` is one whose addresses are like Visual Studio Code's (`vscode`, `vscodium`, `cursor`, `zed`), or an address with
 * `{file}` and `{line}`.
 */
export function editorLinks(name: string): EditorLink {
  const template = /^[a-z][\w+.-]*$/.test(name) ? `${name}://file{file}:{line}` : name;
  if (!/^(?!javascript|data|file|https?)[a-z][\w+.-]*:\/\/.*\{file\}/.test(template)) {
    throw new Refusal(
      `"${name}" is not an editor: a name such as vscode, or an address such as idea://open?file={file}&line={line}.`,
    );
  }
  return (path, line = '1') =>
    template
      .replace('{line}', () => line)
      .replace('{file}', () => pathToFileURL(path).pathname.replace(/[&+=;,]/g, encodeURIComponent));
}
