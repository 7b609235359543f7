// The standard client of event streams, as a page has one, behind the cutting proxy.
import { EventSource } from 'eventsource';

const source = new EventSource(process.argv[2] ?? 'http://127.0.0.1:3001/report');
for (const type of ['step', 'done']) {
  source.addEventListener(type, (event) => console.log(`${type}: ${event.data}`));
}
source.addEventListener('error', () => {
  console.log(source.readyState === source.CLOSED ? '(stops)' : '(the stream is over: connects again)');
});
