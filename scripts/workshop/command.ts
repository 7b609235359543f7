import { parseArgs, type ParseArgsConfig } from 'node:util';
import { MachineFault } from '../../test/harness/programs/machine-fault.js';
import { printable } from '../../test/harness/wire/printable.js';
import { printTrouble } from '../trouble.js';
import { endWithParent } from './parent.ts';

/** Something that the person at the keyboard can put right: printed as it is, with exit code 2. It may quote anything. */
export class Refusal extends Error {
  constructor(message: string) {
    super(printable(message));
  }
}

/** A flag, or a flag with a value, and what `--help` prints for it. */
type Option = { type: 'boolean' | 'string'; help: string };

type Command = {
  /** As in `npm run check [lesson]`. */
  usage: string;
  /** One sentence. */
  summary: string;
  options?: Record<string, Option>;
  /** How many words it takes at the most. */
  words: number;
};

export type Arguments = { words: string[]; options: Record<string, string | boolean | undefined> };

/** Runs an npm script: parses, calls `action`, and leaves with its exit code; 3 is a defect of ours. */
export async function run(command: Command, action: (args: Arguments) => Promise<number> | number): Promise<void> {
  endWithParent();
  // Whoever reads what is printed may have enough, as `head` does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? undefined : printTrouble(error, 'The output'));
  });
  try {
    const args = parse(command, process.argv.slice(2));
    process.exitCode = args.options.help ? help(command) : await action(args);
  } catch (error) {
    const said = error instanceof Refusal || error instanceof MachineFault;
    if (said) console.error(printable(error.message));
    process.exitCode = error instanceof Refusal ? 2 : said ? 3 : printTrouble(error);
  }
}

function parse({ usage, options = {}, words }: Command, argv: string[]): Arguments {
  const config: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean' } };
  for (const [name, { type }] of Object.entries(options)) config[name] = { type };
  try {
    const { values, positionals } = parseArgs({ args: argv, options: config, allowPositionals: true });
    if (positionals.length > words) {
      throw new Error(`"${positionals[words]}" is one word too many`);
    }
    return { words: positionals, options: values as Arguments['options'] };
  } catch (error) {
    const reason = (error as Error).message
      .split('. ')[0]!
      .replace(/^(Unknown option|Option)/, (word) => word.toLowerCase());
    throw new Refusal(`Not understood: ${reason}.\nUsage: ${usage}   (--help tells more)`);
  }
}

function help({ usage, summary, options = {} }: Command): number {
  const rows = Object.entries<Option>({ ...options, help: { type: 'boolean', help: 'print this' } });
  const width = Math.max(...rows.map(([name, { type }]) => name.length + (type === 'string' ? 6 : 0)));
  console.log(`${summary}\n\nUsage: ${usage}\n`);
  for (const [name, { type, help }] of rows) {
    console.log(`  --${`${name}${type === 'string' ? ' VALUE' : ''}`.padEnd(width)}   ${help}`);
  }
  console.log('\nOptions come after two dashes: npm run NAME lesson-1 -- --option');
  return 0;
}
