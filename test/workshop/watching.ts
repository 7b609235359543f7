// Runs the engine of the watch mode in a copy of the workshop, and tells its parent every event.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { WatchEvent } from '../../scripts/workshop/watcher.ts';

const [folder, poll] = process.argv.slice(2);
const from = (path: string) => import(pathToFileURL(path).href);
const { compiled } = (await from(
  join(folder!, 'test/harness/fast-start/commands.js'),
)) as typeof import('../harness/fast-start/commands.js');
const { watchLessons } = (await from(
  await compiled(join(folder!, 'scripts/workshop/watcher.ts')),
)) as typeof import('../../scripts/workshop/watcher.ts');
const tell = (event: WatchEvent) => {
  const { lesson, ...rest } = event;
  const error = event.type === 'error' ? event.error.message : undefined;
  process.send!({ ...rest, slug: lesson.slug, error });
};
const watcher = await watchLessons({ onEvent: tell, poll: poll === 'poll' });
process.on('message', async () => {
  await watcher.close();
  process.disconnect();
});
process.send!({ type: 'ready' });
