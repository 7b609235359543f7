// What happens, told to every open page as server-sent events with ids: a page that was away gets what it missed.
import type { ServerResponse } from 'node:http';

type Live = {
  /** Of the last event so far. A page that is made now has everything up to it. */
  readonly lastId: string;
  send(type: string, data: object): void;
  /** Answers with the events after that id, and goes on. An id that is not known gets `stale`: the page is to load anew. */
  stream(response: ServerResponse, after: string): void;
};

/** Events that are kept for pages that were away, and their characters: a verdict with a long capture has many. */
const most = 500;
const mostSize = 8_000_000;
/** Bytes that wait for a page that does not read; it is let go, and connects again. */
const mostWaiting = 4_000_000;
const quietInterval = 15_000;

export function liveEvents(): Live {
  // Ids of an earlier run of the reader mean nothing in this one.
  const run = Date.now().toString(36);
  const recent: string[] = [];
  let size = 0;
  let count = 0;
  const pages = new Set<ServerResponse>();

  const write = (page: ServerResponse, text: string) => {
    page.write(text);
    if (page.writableLength > mostWaiting) page.destroy();
  };
  setInterval(() => {
    for (const page of pages) write(page, ': still here\n\n');
  }, quietInterval).unref();

  /** The events after an id, or undefined when they are not all known. */
  function missed(after: string): string[] | undefined {
    const [, ofRun, number] = /^(\w+)-(\d+)$/.exec(after) ?? [];
    const behind = count - Number(number);
    return ofRun === run && behind >= 0 && behind <= recent.length ? recent.slice(recent.length - behind) : undefined;
  }

  return {
    get lastId() {
      return `${run}-${count}`;
    },
    send(type, data) {
      const event = `id: ${run}-${++count}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
      recent.push(event);
      size += event.length;
      while (recent.length > most || size > mostSize) size -= recent.shift()!.length;
      for (const page of pages) write(page, event);
    },
    stream(response, after) {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform' });
      write(response, `retry: 1000\n\n${missed(after)?.join('') ?? 'event: stale\ndata: {}\n\n'}`);
      pages.add(response);
      response.on('close', () => pages.delete(response));
    },
  };
}
