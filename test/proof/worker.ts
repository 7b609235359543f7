// Grades what its parent sends, one target after another.
import { grade } from '../../scripts/workshop/grade.ts';
import { endWithParentAlways } from '../../scripts/workshop/parent.ts';
import { endPrograms } from '../harness/programs/pool.js';

endWithParentAlways();
process.on('message', async (target: Parameters<typeof grade>[0]) => {
  const answer = await grade(target).then(
    (verdict) => ({ verdict }),
    (error: Error) => ({ error: error.stack }),
  );
  endPrograms();
  process.send!(answer);
});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.send!({ ready: true });
