import fetch from 'node-fetch';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

const [url = 'http://127.0.0.1:3000/files/notes.txt', file = 'download'] = process.argv.slice(2);

// TODO task 3: save the body under another name, wait for the disk, and rename the file when it is complete
const response = await fetch(url);
const text = await response.text();
createWriteStream(file).end(text);
console.log(`saved ${file}`);
