// The platform's own fetch and streams; a transform that makes lines, another that makes events.
const longest = Number(process.env.LONGEST_EVENT ?? 16_777_216);

function intoLines(): TransformStream<string, string> {
  const begun: string[] = [];
  let held = 0;
  let waiting = '';
  return new TransformStream({
    transform(text, controller) {
      // A \r at the end of a piece waits for the next one.
      const all = waiting + text;
      waiting = all.endsWith('\r') ? '\r' : '';
      const lines = all.slice(0, all.length - waiting.length).split(/\r\n|\n|\r/);
      const last = lines.pop()!;
      for (const line of lines) {
        controller.enqueue(begun.splice(0).join('') + line);
        held = 0;
      }
      begun.push(last);
      held += last.length;
      if (held > longest) throw new Error('This line has no end.');
    },
  });
}

function intoEvents(): TransformStream<string, { type: string; data: string }> {
  let type = 'message';
  let data: string | undefined;
  let size = 0;
  return new TransformStream({
    transform(line, controller) {
      size += line.length;
      if (size > longest) throw new Error('This event has no end.');
      if (line === '') {
        if (data !== undefined) controller.enqueue({ type, data });
        type = 'message';
        data = undefined;
        size = 0;
        return;
      }
      const colon = line.indexOf(':');
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
      if (name === 'event') type = value || 'message';
      if (name === 'data') data = data === undefined ? value : `${data}\n${value}`;
    },
  });
}

async function main(): Promise<void> {
  const response = await fetch(process.argv[2]!, { headers: new Headers([['accept', 'text/event-stream']]) });
  const type = response.headers.get('content-type');
  if (!response.ok || !/^text\/event-stream\s*(;|$)/i.test(type ?? '')) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}, type ${type}`);
  }
  const decoder = new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>;
  const reader = response.body!.pipeThrough(decoder).pipeThrough(intoLines()).pipeThrough(intoEvents()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    console.log('%s: %s', value.type, value.data);
  }
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
