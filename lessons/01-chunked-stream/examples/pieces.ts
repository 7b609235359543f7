// Prints each piece of a stream when it arrives, in quotation marks. A piece is not a line.
import fetch from 'node-fetch';

const response = await fetch(process.argv[2] ?? 'http://127.0.0.1:3000/stream');

const decoder = new TextDecoder();
for await (const piece of response.body!) {
  const text = decoder.decode(piece as Buffer, { stream: true });
  console.log(JSON.stringify(text));
}
