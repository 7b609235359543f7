// A program in one file may not notice that it uses a constant before its line: there, the compiler makes it a `var`.

const control = /^(?:\}\s*)?(?:try|catch|finally|if|else|for|while|do|switch|\{)\b|^[{}]/;
const declaration = /^(?:export )?(?:const|let|(?:abstract )?class|enum) [\w$]/;
const functionBegins = /=>|\bfunction\b/;

/**
 * Whether a constant or a class of the file's top level is declared below an `await` of the top level: code that runs
 * during this `await` may use it too early. A rough look is enough, because the program then only starts more slowly.
 * @param {string} source formatted so that only the top level begins in the first column
 */
export function declaresBehindAwait(source) {
  let inControl = false;
  let waited = false;
  for (const line of source.split('\n')) {
    const top = /^[^\s/*]/.test(line);
    if (top && waited && declaration.test(line)) return true;
    if (top) inControl = control.test(line);
    if ((top || inControl) && /\bawait\b/.test(line) && !functionBegins.test(line)) waited = true;
  }
  return false;
}
