// Time limits that do not run while a program stands at a breakpoint. Without a debugger they are timers like any other.

/** Whether programs may stand at breakpoints: `npm run check -- --debug` sets this variable. */
export const debugging = process.env.BREAKPOINTS === 'on';

/** The programs that stand now, and when one last went on. @type {Set<object>} */
const standing = new Set();
let wentOn = -Infinity;

/** Milliseconds, at least, of a limit under a debugger: longer than it takes to see that a program stands. */
const shortest = 3000;

/** Says that a program stands at a breakpoint. @param {object} program @param {string} file */
export function stands(program, file) {
  standing.add(program);
  console.error(`${file} stands at a breakpoint; the grader waits.`);
}

/** Says that a program which stood goes on. @param {object} program @param {string} file */
export function goesOn(program, file) {
  if (!standing.delete(program)) return;
  wentOn = performance.now();
  console.error(`${file} goes on.`);
}

/** Milliseconds since `began` in which no program stood; after one did, from when it went on. @param {number} began */
export const elapsedSince = (began) => (standing.size > 0 ? 0 : performance.now() - Math.max(began, wentOn));

/**
 * Calls `act` when so many milliseconds have passed in which no program stood.
 * @param {number} ms
 * @param {() => void} act
 * @returns {() => void} calls it off
 */
export function limit(ms, act) {
  const least = debugging ? Math.max(ms, shortest) : ms;
  /** @type {NodeJS.Timeout} */
  let timer;
  const begin = () => {
    const began = performance.now();
    timer = setTimeout(() => (standing.size > 0 || wentOn > began ? begin() : act()), least);
  };
  begin();
  return () => clearTimeout(timer);
}
