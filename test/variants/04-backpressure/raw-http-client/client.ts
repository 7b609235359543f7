import { createWriteStream, rename, rm } from 'node:fs';
import { get } from 'node:http';

const [url, file] = process.argv.slice(2) as [string, string];
const part = `${file}.${process.hrtime.bigint()}.download`;

const fail = (why: string) => {
  if (process.exitCode) return; // what a failure brings down with it, is none of its own
  process.exitCode = 1;
  rm(part, { force: true }, () => console.error(why));
};

// Pauses and resumes by hand.
get(url, (response) => {
  if (response.statusCode !== 200) {
    response.resume();
    return fail(`The server answered ${response.statusCode}.`);
  }
  const out = createWriteStream(part);
  response.on('data', (chunk) => {
    if (!out.write(chunk)) response.pause();
  });
  out.on('drain', () => response.resume());
  response.on('end', () => out.end());
  response.on('error', (error) => {
    out.destroy();
    out.once('close', () => fail(error.message));
  });
  out.on('error', (error) => {
    response.destroy();
    fail(error.message);
  });
  out.on('finish', () => rename(part, file, (error) => error && fail(error.message)));
}).on('error', (error) => fail(error.message));
