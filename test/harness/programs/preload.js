// Runs inside a learner's program, before it: waits for the word to begin, and answers the grader's questions. It is one
// half of what the pool (pool.js) calls the life of a program.
// Plain JavaScript, because most programs are built before they start: nothing in their process knows TypeScript.

const { performance, process, setImmediate } = globalThis;
const fs = process.getBuiltinModule('node:fs'); // sooner there than by import
const { pathToFileURL } = process.getBuiltinModule('node:url');

/** The timers of the program that were told with `unref` not to keep it alive: Node.js does not list them. */
const unrefTimers = new Set();

// Node.js runs `main`: the program's file, or what is built from it.
const [, main, file] = process.argv;
// A process that the program forks has a channel too, but that one leads to the program: only the grader sets WARM_IMPORTS.
const send = process.env.WARM_IMPORTS !== undefined && process.send?.bind(process);

if (send) {
  process.setSourceMapsEnabled(true);
  const reply = (message) => send(message, () => {}); // the grader may be gone
  let begun = false; // before, nothing here is the program's own
  const begin = new Promise((resolve) => {
    process.on('message', (message) => {
      if (message.load) void load(main).then(() => reply({ loaded: true }));
      if (message.begin) resolve(message.begin);
      // Two turns of the event loop: what was readable when the question came has been handled by then.
      if (message.ping) setImmediate(() => setImmediate(() => reply(answerTo(message.ping, begun))));
      if (message.where) reply({ listening: begun ? listeningAddresses() : [] });
      if (message.turns) tellLongestTurn((longestTurn) => reply({ longestTurn }));
      if (message.holdDisk) holdDisk((diskHeld) => reply({ diskHeld }));
      if (message.stepDisk) stepDisk(() => reply({ diskStepped: true }));
      // As Ctrl-C does: without a listener, it ends the program.
      if (message.interrupt && !process.emit('SIGINT', 'SIGINT')) process.kill(process.pid, 'SIGINT');
    });
  });

  // The grader is gone, and whatever should have ended this program did not: it ends with what it has started.
  process.on('disconnect', () => process.kill(process.platform === 'win32' ? process.pid : -process.pid, 'SIGKILL'));

  // Importing takes longer than all else, so it is done before anybody waits for the program.
  for (const name of process.env.WARM_IMPORTS?.split(',') ?? []) await import(name).catch(() => {});
  reply({ warm: true });

  // Blocking streams write immediately, as in a terminal, also from a loop that never pauses.
  for (const stream of [process.stdout, process.stderr]) stream._handle?.setBlocking?.(true);

  // Says where process.exit was called: its stack is still here.
  process.on('exit', () => {
    const { stack } = new Error();
    if (/ process\.exit | process\.reallyExit | exit \(node:/.test(stack)) reply({ exit: stack });
  });

  const {
    args,
    env: { TERMINAL_COLUMNS: columns, MATH_RANDOM_SEED: seed, STOPPED_CLOCK: now, ...env },
  } = await begin;
  begun = true;
  watchUnrefTimers();
  if (columns !== undefined) outputIsTerminal(Number(columns));
  if (seed !== undefined) seedMathRandom(Number(seed));
  if (now !== undefined) stopClock(Number(now));
  reply({ begun: true });
  delete process.env.WARM_IMPORTS;
  Object.assign(process.env, env);
  process.argv = [process.argv[0], file, ...args];
  process.channel.unref();
}

/**
 * Standard output and standard error are a terminal of this width to the program, as far as it can tell: the grader reads
 * them all the same.
 * @param {number} columns
 */
function outputIsTerminal(columns) {
  const tty = process.getBuiltinModule('node:tty');
  const words = [
    'clearLine',
    'clearScreenDown',
    'cursorTo',
    'moveCursor',
    'getWindowSize',
    'getColorDepth',
    'hasColors',
  ];
  for (const stream of [process.stdout, process.stderr]) {
    Object.assign(stream, { isTTY: true, columns, rows: 24 });
    for (const word of words) stream[word] = tty.WriteStream.prototype[word];
  }
  const { isatty } = tty;
  tty.isatty = (descriptor) => descriptor === 1 || descriptor === 2 || isatty(descriptor);
  process.getBuiltinModule('node:module').syncBuiltinESMExports();
}

/**
 * `Math.random` gives the same numbers in each program with this seed, so a grader sees what comes from it.
 * @param {number} seed
 */
function seedMathRandom(seed) {
  let state = seed;
  // A linear congruential generator: two of its numbers, for the 53 bits of a double.
  const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
  Math.random = () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

/**
 * The program always reads this time, so a grader sees what comes from the clock. Timers ring as before.
 * @param {number} now in milliseconds
 */
function stopClock(now) {
  Date.now = performance.now = () => now;
  globalThis.Date = new Proxy(Date, {
    apply: (date) => new date(now).toString(),
    construct: (date, args, made) => Reflect.construct(date, args.length > 0 ? args : [now], made),
  });
  process.hrtime = Object.assign(() => [now, 0], { bigint: () => BigInt(now) });
  process.getBuiltinModule('node:module').syncBuiltinESMExports();
}

/**
 * @param {number} pong the number of the question
 * @param {boolean} begun
 */
function answerTo(pong, begun) {
  const active = begun ? process.getActiveResourcesInfo() : [];
  const timers = active.filter((resource) => resource === 'Timeout').length + unrefTimersRunning();
  const fileCalls = active.filter((resource) => /^FSReq/.test(resource)).length;
  const watchers = active.filter((resource) => /^(FSEvent|StatWatcher)/.test(resource)).length;
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
  const [sent, received, openFiles] = begun ? [bytesSent(), bytesReceived(), filesOpen()] : [0, 0, 0];
  const { processor: processorTime } = timesSoFar();
  const memory = process.memoryUsage.rss();
  return { pong, memory, processorTime, timers, fileCalls, watchers, listeners, sent, received, openFiles };
}

/** Notices each `unref` that the program itself calls. Node.js and the packages have such timers too, and look after them. */
function watchUnrefTimers() {
  const timer = setTimeout(() => {});
  clearTimeout(timer);
  const Timeout = timer.constructor;
  const { unref } = Timeout.prototype;
  Timeout.prototype.unref = function () {
    if (/^(?!node:)(?!.*[\\/]node_modules[\\/])/.test(callerOf(Timeout.prototype.unref))) unrefTimers.add(this);
    return unref.call(this);
  };
}

/** How many of them still wait. A timer that has rung or was cleared is of no interest any more. */
function unrefTimersRunning() {
  for (const timer of unrefTimers) if (timer._destroyed) unrefTimers.delete(timer);
  return [...unrefTimers].filter((timer) => !timer.hasRef()).length;
}

/** The file in which `called` was called. @param {Function} called */
function callerOf(called) {
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = (_, [caller]) => caller?.getFileName() ?? 'node:';
  const trace = {};
  Error.captureStackTrace(trace, called);
  const file = trace.stack;
  Error.prepareStackTrace = prepareStackTrace;
  return file;
}

/** The bytes that this process, as a server, has written to the connections that it has now. */
function bytesSent() {
  return process._getActiveHandles().reduce((sum, { server, bytesWritten }) => sum + (server ? bytesWritten : 0), 0);
}

/** The bytes that this process, as a client, has read from the connections that it has now. */
function bytesReceived() {
  const connections = process
    ._getActiveHandles()
    .filter(({ server, remotePort }) => !server && remotePort !== undefined);
  return connections.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
}

/** The files and folders that this process has open; 0 where the system does not list them. */
function filesOpen() {
  try {
    return fs.readdirSync('/dev/fd').filter(isFileOrFolder).length;
  } catch {
    return 0;
  }
}

/** @param {string} descriptor as /dev/fd names it: the one with which it was listed is closed again */
function isFileOrFolder(descriptor) {
  try {
    const stats = fs.fstatSync(Number(descriptor));
    return stats.isFile() || stats.isDirectory();
  } catch {
    return false;
  }
}

/**
 * Holds each thread that works on files, so that the disk takes nothing and gives nothing: it reads from the channel
 * that the grader has for this, and the grader lets it go with a byte.
 * @param {(threads: number) => void} answer how many are held: none where such a channel cannot be waited for
 */
function holdDisk(answer) {
  const threads = Number(process.env.UV_THREADPOOL_SIZE ?? 4);
  let held = threads;
  for (let i = 0; i < threads; i++) fs.read(4, Buffer.alloc(1), 0, 1, null, () => held--);
  setImmediate(() => setImmediate(() => answer(held)));
}

/** The longest turn of the event loop since the grader asked last, in milliseconds; undefined while nobody watches. */
let longest;

/**
 * Tells the longest turn of the event loop since the last question, the turn of this question included. The first
 * question begins the watch.
 * @param {(turn: { processor: number, clock: number }) => void} answer
 */
function tellLongestTurn(answer) {
  const nothing = { processor: 0, clock: 0 };
  if (!longest) {
    longest = nothing;
    watchTurns();
  }
  // Two turns, as for a ping: what was readable when the question came has been handled by then.
  setImmediate(() =>
    setImmediate(() => {
      answer(longest);
      longest = nothing;
    }),
  );
}

/**
 * Measures each turn of the event loop from now on. An immediate without a reference runs once a turn and keeps nothing
 * alive. The time in which the loop waits for something to do does not count, and neither does what another thread does
 * in this time.
 */
function watchTurns() {
  let last = timesSoFar();
  const measure = () => {
    const now = timesSoFar();
    const clock = now.active - last.active;
    const processor = Math.min(now.processor - last.processor, clock);
    longest = { processor: Math.max(longest.processor, processor), clock: Math.max(longest.clock, clock) };
    last = now;
    setImmediate(measure).unref();
  };
  setImmediate(measure).unref();
}

/** Milliseconds of processor time so far, and those in which the event loop did not wait. */
function timesSoFar() {
  const { user, system } = process.cpuUsage();
  return { processor: (user + system) / 1000, active: performance.eventLoopUtilization().active };
}

/**
 * Puts another hold behind all that the disk was asked for so far. The grader then lets one thread go, which does all that
 * in its order.
 * @param {() => void} over
 */
function stepDisk(over) {
  fs.stat('.', over);
  fs.read(4, Buffer.alloc(1), 0, 1, null, () => {});
}

/**
 * Loads a file with all that it imports, and runs nothing of it: Node.js stops before it runs anything, because a name
 * that is imported beside it does not exist.
 * An error of the file's own comes again when it is run.
 */
async function load(file) {
  const both = `import ${JSON.stringify(pathToFileURL(file))}; import { nothing } from 'node:process';`;
  await import(`data:text/javascript,${encodeURIComponent(both)}`).catch(() => {});
}

/** Where this process accepts connections, as `address:port`. */
function listeningAddresses() {
  return process
    ._getActiveHandles()
    .filter((handle) => typeof handle.address === 'function' && handle.listening)
    .map((handle) => handle.address())
    .filter((address) => address && typeof address === 'object')
    .map(({ address, family, port }) => (family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`));
}
