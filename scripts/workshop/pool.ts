import { EventEmitter } from 'node:events';
import type { PoolRunnerInitializer, PoolWorker } from 'vitest/node';

/**
 * Runs graders in Vitest's own process. They start nothing of the learner's in it, so nothing needs a worker, and
 * programs that were started before Vitest was loaded can be handed to them. What crosses is copied, as between processes.
 */
export const inThisProcess: PoolRunnerInitializer = {
  name: 'in-this-process',
  createPoolWorker() {
    const toGrader = new EventEmitter();
    const toVitest = new EventEmitter();
    const post = (to: EventEmitter) => (message: unknown) => {
      const copy = structuredClone(message);
      setImmediate(() => to.emit('message', copy));
    };
    let started = false;
    const worker: PoolWorker = {
      name: 'in-this-process',
      on: (event, listener) => void toVitest.on(event, listener),
      off: (event, listener) => void toVitest.off(event, listener),
      send: post(toGrader),
      deserialize: (data) => data,
      canReuse: () => true,
      async start() {
        if (started) return;
        started = true;
        const { init, runBaseTests, setupEnvironment } = await import('vitest/worker');
        init({
          on: (listener) => void toGrader.on('message', listener),
          off: (listener) => void toGrader.off('message', listener),
          post: post(toVitest),
          runTests: (state, traces) => runBaseTests('run', state, traces),
          collectTests: (state, traces) => runBaseTests('collect', state, traces),
          setup: setupEnvironment,
        });
      },
      stop: async () => {},
    };
    return worker;
  },
};
