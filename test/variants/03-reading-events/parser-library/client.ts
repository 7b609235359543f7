import { createParser } from 'eventsource-parser';

const url = process.argv[2]!;
const parser = createParser({
  maxBufferSize: Number(process.env.LONGEST_EVENT ?? 16e6),
  onEvent: ({ event, data }) => process.stdout.write(`${event ?? 'message'}: ${data}\n`),
  onError(error) {
    if (error.type === 'max-buffer-size-exceeded') throw error;
  },
});
const decoder = new TextDecoder();
try {
  const response = await fetch(url, { headers: { accept: 'text/event-stream; q=1' } });
  if (response.status < 200 || response.status > 299) {
    console.error('the answer has status', response.status);
    process.exit(1);
  }
  const [type] = (response.headers.get('content-type') ?? '').toLowerCase().split(/\s*;/);
  if (type !== 'text/event-stream') {
    console.error('the answer is no event stream');
    process.exit(1);
  }
  for await (const bytes of response.body!) parser.feed(decoder.decode(bytes, { stream: true }));
} catch (error) {
  console.error(String(error));
  process.exit(1);
}
