import fetch from 'node-fetch';

const url = process.argv[2] ?? 'http://127.0.0.1:3000/stream';

// TODO task 3: print each line as soon as it is complete, and report every failure
const response = await fetch(url);
console.log(await response.text());
