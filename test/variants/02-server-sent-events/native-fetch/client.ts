// The platform's own fetch and streams; a transform that makes lines, another that makes events.
function intoLines(): TransformStream<string, string> {
  let rest = '';
  return new TransformStream({
    transform(text, controller) {
      rest += text;
      for (;;) {
        const match = /\r\n|\n|\r(?=[^])/.exec(rest);
        if (!match) return;
        controller.enqueue(rest.slice(0, match.index));
        rest = rest.slice(match.index + match[0].length);
      }
    },
  });
}

function intoEvents(): TransformStream<string, { type: string; data: string }> {
  let type = 'message';
  let data: string | undefined;
  return new TransformStream({
    transform(line, controller) {
      if (line === '') {
        if (data !== undefined) controller.enqueue({ type, data });
        type = 'message';
        data = undefined;
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
  const response = await fetch(process.argv[2]!);
  if (!response.ok) throw new Error(`status ${response.status}`);
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
