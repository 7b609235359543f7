import { spawn } from 'node:child_process';
import { catalog } from '../../lessons/catalog.ts';
import { Refusal, type Arguments } from './command.ts';
import { leaveWith, onInterrupt } from './interrupt.ts';
import { shortName } from './lessons.ts';
import { nextLesson, readProgress } from './progress.ts';
import { editorLinks } from './reader/editor.ts';
import { openReader } from './reader/server.ts';
import { watchLessons } from './watcher.ts';

/** Serves the lessons to the browser and grades what is saved, until Ctrl+C. */
export async function start({ options }: Arguments): Promise<number> {
  const lesson = nextLesson(readProgress());
  const port = portFrom(options.port);
  const editor = editorLinks(String(options.editor ?? 'vscode'));
  const reader = await openReader({
    port,
    editor,
    watch: (watching) => watchLessons({ ...watching, poll: options.poll === true }),
  });
  console.log(`The workshop is at ${reader.url}\n`);
  if (lesson) {
    console.log(`${lesson === catalog[0] ? 'Begin' : 'Go on'} with lesson ${lesson.number}, "${lesson.title}" (${lesson.minutes} minutes):

  read it           ${reader.url}/lessons/${lesson.slug}/
  edit              lessons/${lesson.slug}/server.ts and client.ts
  get a verdict     save, and look at the page; or npm run check ${shortName(lesson)}
`);
  } else {
    console.log('Every lesson is passed.\n');
  }
  console.log('Ctrl+C ends it.');
  if (!options['no-open'] && process.stdout.isTTY && !process.env.CI) openBrowser(reader.url);

  onInterrupt(() => leaveWith(0));
  return new Promise(() => {});
}

const defaultPort = 4321;

function portFrom(option: string | boolean | undefined): number {
  const port = option === undefined ? defaultPort : Number(option);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Refusal(`"${option}" is not a port: a whole number from 1 to 65535.`);
}

/** Asks the system to; where there is no browser, nothing happens. */
function openBrowser(url: string): void {
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return;
  const commands: Partial<Record<NodeJS.Platform, string[]>> = {
    darwin: ['open', url],
    win32: ['cmd', '/c', 'start', '', url],
  };
  const [command, ...args] = commands[process.platform] ?? ['xdg-open', url];
  spawn(command!, args, { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}
