// Grades what its parent sends, one target after another.
import { createGrader } from '../../scripts/workshop/grade.ts';
import { endPrograms } from '../harness/programs/spawn.js';

const grader = await createGrader();
process.on('message', async (target: Parameters<typeof grader.grade>[0]) => {
  const answer = await grader.grade(target).then(
    (verdict) => ({ verdict }),
    (error: Error) => ({ error: error.stack }),
  );
  endPrograms();
  process.send!(answer);
});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.send!({ ready: true });
