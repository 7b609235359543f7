// Runs the engine of the watch mode in the workshop where this file is, and tells its parent every event.
import { watchLessons, type WatchEvent } from '../../scripts/workshop/watcher.ts';

const tell = (event: WatchEvent) => {
  const { lesson, ...rest } = event;
  const error = event.type === 'error' ? event.error.message : undefined;
  process.send!({ ...rest, slug: lesson.slug, error });
};
const watcher = await watchLessons({ onEvent: tell, poll: process.argv[2] === 'poll' });
process.on('message', async () => {
  await watcher.close();
  process.disconnect();
});
process.send!({ type: 'ready' });
