const url = process.argv[2]!;

try {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`status ${response.status}`);
  let rest = '';
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    rest += text;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      process.stdout.write(`${rest.slice(0, end).replace(/\r$/, '')}\n`);
      rest = rest.slice(end + 1);
    }
  }
  process.stdout.write(rest);
} catch (error) {
  process.stderr.write(`It did not work: ${(error as Error).message}\n`);
  process.exit(1);
}
