import { get } from 'node:http';
import { StringDecoder } from 'node:string_decoder';

// Reads character by character over node:http; a \r ends its line at once, and a \n behind it is skipped.
const decoder = new StringDecoder('utf8');
let first = true;
let afterReturn = false;
let line = '';
let event = '';
const data: string[] = [];

function endLine() {
  const [, name, value] = line.match(/^(.*?)(?:: ?(.*))?$/s)!;
  if (line === '') {
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
}

function fail(error: Error) {
  console.error(error.message || error.name);
  process.exitCode = 1;
}

get(process.argv[2]!, { agent: false }, (response) => {
  if (response.statusCode! >= 300) {
    response.destroy();
    fail(new Error(`${response.statusCode} ${response.statusMessage}`));
    return;
  }
  response.on('data', (bytes: Buffer) => [...decoder.write(bytes)].forEach(read));
  response.on('error', fail);
}).on('error', fail);
