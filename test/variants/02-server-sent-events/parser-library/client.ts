import { createParser } from 'eventsource-parser';

const url = process.argv[2]!;
const parser = createParser({ onEvent: ({ event, data }) => process.stdout.write(`${event ?? 'message'}: ${data}\n`) });
const decoder = new TextDecoder();
try {
  const response = await fetch(url, { headers: { accept: 'text/event-stream' } });
  if (response.status < 200 || response.status > 299) {
    console.error('the answer has status', response.status);
    process.exit(1);
  }
  for await (const bytes of response.body!) parser.feed(decoder.decode(bytes, { stream: true }));
} catch (error) {
  console.error(String(error));
  process.exit(1);
}
