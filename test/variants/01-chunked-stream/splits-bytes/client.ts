const url = process.argv[2]!;
let buffered: Buffer = Buffer.alloc(0);

function print(bytes: Buffer): void {
  const length = bytes.at(-1) === 0x0d ? bytes.length - 1 : bytes.length;
  process.stdout.write(bytes.subarray(0, length) + '\n');
}

async function main(): Promise<void> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`${response.status} instead of 200`);
  const reader = response.body!.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    buffered = Buffer.concat([buffered, read.value]);
    for (let end = buffered.indexOf(0x0a); end >= 0; end = buffered.indexOf(0x0a)) {
      print(buffered.subarray(0, end));
      buffered = buffered.subarray(end + 1);
    }
  }
  if (buffered.length > 0) print(buffered);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
