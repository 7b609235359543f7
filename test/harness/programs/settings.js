// @ts-check
// The environment variables that the programs of the lessons read, such as TLS and TIME_LIMIT. What is left of them in a
// learner's shell changes what a right program does, so a program that is graded has only what its grader gives it.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { lessonsFolder, solutionsFolder } from '../folders.js';

/** @type {Set<string> | undefined} */
let names;

/**
 * The names, as the finished programs and lessons/support have them: a learner's own program may read them in any style,
 * and may read others, such as PATH, that are none of ours.
 */
function settingNames() {
  names ??= new Set(
    [join(lessonsFolder, 'support'), solutionsFolder]
      .filter(existsSync) // somebody may have removed the solutions
      .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)))
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) =>
        [...readFileSync(file, 'utf8').matchAll(/\bprocess\.env\.(\w+)/g)].map((match) => `${match[1]}`),
      ),
  );
  return names;
}

/** Whether a program of a lesson reads this variable. On Windows, case does not matter. @param {string} name */
export const isSetting = (name) => settingNames().has(process.platform === 'win32' ? name.toUpperCase() : name);

/** What the learner's shell has of these variables, for a program that is only tried. @returns {Record<string, string>} */
export const settingsOfShell = () =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && isSetting(name) ? [[name, value]] : [],
    ),
  );
