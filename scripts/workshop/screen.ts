import { emitKeypressEvents } from 'node:readline';
import { pc } from './colours.ts';
import { Refusal } from './command.ts';

/** Where the watch mode prints. */
type Screen = {
  /** Prints in place of what is there; a `Refusal` is printed as its sentence. */
  show(print: () => void): void;
  /** Says below it what is going on, and which keys do something. */
  say(state: string, keys: string): void;
  /** Leaves the terminal as it was. */
  close(): void;
};

const clear = '\x1b[H\x1b[2J\x1b[3J';
const oneLineUp = '\r\x1b[1A\x1b[J';

/** With keys and a foot where somebody sits at a terminal; elsewhere one text follows the other. */
export function openScreen(onKey: (key: string) => void): Screen {
  const { stdin, stdout } = process;
  if (!stdin.isTTY || !stdout.isTTY) {
    return {
      show(print) {
        printed(print);
        console.log();
      },
      say() {},
      close() {},
    };
  }

  let foot = ['', ''];
  // A line that is too long for the terminal would be two, and the foot is two lines.
  const line = (text: string) => pc.dim(text.slice(0, (stdout.columns || 80) - 1));
  const drawFoot = () => stdout.write(foot.map(line).join('\n'));
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  stdin.on('keypress', (character: string | undefined, { ctrl, name }: { ctrl?: boolean; name?: string }) =>
    onKey(ctrl ? `ctrl-${name}` : (character ?? '')),
  );
  stdout.write(`${clear}\n`);
  drawFoot();
  return {
    show(print) {
      stdout.write(clear);
      printed(print);
      stdout.write('\n');
      drawFoot();
    },
    say(state, keys) {
      foot = [state, keys];
      stdout.write(oneLineUp);
      drawFoot();
    },
    close() {
      stdin.setRawMode(false);
      stdout.write('\n');
    },
  };
}

function printed(print: () => void): void {
  try {
    print();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    console.log(error.message);
  }
}
