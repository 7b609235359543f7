// Runs inside a learner's program, before it: waits for the word to begin, and answers the grader's questions.
// Plain JavaScript, because it is loaded while TypeScript support is still starting.
import process from 'node:process';

const send = process.send?.bind(process);

if (send) {
  const reply = (message) => send(message, () => {}); // the grader may be gone
  const begin = new Promise((resolve) => {
    process.on('message', (message) => {
      if (message.begin) resolve(message.begin);
      // Two turns of the event loop: what was readable when the question came has been handled by then.
      if (message.ping) setImmediate(() => setImmediate(() => reply({ pong: message.ping })));
      if (message.where) reply({ listening: listeningAddresses() });
    });
  });

  // Importing takes longer than all else, so it is done while the grader is still starting.
  for (const name of process.env.WARM_IMPORTS?.split(',') ?? []) await import(name).catch(() => {});
  reply({ warm: true });

  const { args, env } = await begin;
  delete process.env.WARM_IMPORTS;
  Object.assign(process.env, env);
  process.argv.push(...args);
  process.channel.unref();
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
