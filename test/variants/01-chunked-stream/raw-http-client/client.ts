import { get } from 'node:http';
import { StringDecoder } from 'node:string_decoder';

function fail(error: Error): void {
  console.error(error.message);
  process.exitCode = 1;
}

get(process.argv[2]!, (response) => {
  if (response.statusCode !== 200) {
    response.resume();
    return fail(new Error(`The server answered ${response.statusCode}.`));
  }
  const decoder = new StringDecoder('utf8');
  let text = '';
  response.on('data', (bytes: Buffer) => {
    text += decoder.write(bytes);
    const lines = text.split('\n');
    text = lines.pop()!;
    for (const line of lines) console.log(line.endsWith('\r') ? line.slice(0, -1) : line);
  });
  response.on('end', () => {
    text += decoder.end();
    if (text) console.log(text);
  });
  response.on('error', fail);
}).on('error', fail);
