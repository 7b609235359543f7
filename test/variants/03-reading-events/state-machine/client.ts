import { get } from 'node:http';
import { StringDecoder } from 'node:string_decoder';

// Reads character by character over node:http; a \r ends its line at once, and a \n behind it is skipped.
const decoder = new StringDecoder('utf8');
let first = true;
let afterReturn = false;
let line = '';
let event = '';
const data: string[] = [];
let size = 0;
const most = Number(process.env.LONGEST_EVENT ?? 1 << 24);

function endLine() {
  const [, name, value] = line.match(/^(.*?)(?:: ?(.*))?$/s)!;
  if (line === '') {
    size = 0;
    if (data.length > 0) console.log(`${event || 'message'}: ${data.join('\n')}`);
    event = '';
    data.length = 0;
  } else if (name === 'event') {
    event = value ?? '';
  } else if (name === 'data') {
    data.push(value ?? '');
  }
  line = '';
}

function read(character: string) {
  if (first && character === '\uFEFF') {
    first = false;
    return;
  }
  first = false;
  if (character === '\n' && afterReturn) {
    afterReturn = false;
    return;
  }
  afterReturn = character === '\r';
  if (character === '\n' || character === '\r') endLine();
  else line += character;
  if (++size > most) throw new Error('an event without an end');
}

function fail(error: Error) {
  if (process.exitCode) return;
  console.error(error.message || error.name);
  process.exitCode = 1;
}

const options = { agent: false, headers: { Accept: 'text/event-stream' } };
get(process.argv[2]!, options, (response) => {
  const type = new Intl.Collator('en', { sensitivity: 'accent' });
  const [sent = ''] = response.headers['content-type']?.split(';') ?? [];
  if (response.statusCode! >= 300 || type.compare(sent.trim(), 'text/event-stream') !== 0) {
    response.destroy();
    fail(new Error(`${response.statusCode} ${response.statusMessage} ${sent}`));
    return;
  }
  response.on('data', (bytes: Buffer) => {
    try {
      for (const character of decoder.write(bytes)) read(character);
    } catch (error) {
      response.destroy(error as Error);
    }
  });
  response.on('error', fail);
}).on('error', fail);
