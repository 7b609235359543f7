// What `npm run try` puts between a client and the server that it starts: it hands everything on, and writes it down.
import type { Program } from '../../test/harness/programs/program.ts';
import { startChildServer } from '../../test/harness/wire/child-server.ts';
import type { Transcript } from '../../test/harness/wire/transcript.ts';

/** Stands in for the server as the child of the client, and passes on what comes, both ways. */
export async function pipes(
  server: Program,
  record: () => Transcript,
): Promise<{ command: string[]; pass(): void; close(): void }> {
  let close = () => {};
  const child = await startChildServer({
    changed: () => between.pass(),
    atEnd: (stop) => (close = stop),
    transcript: record,
  });
  let sent = 0;
  let printed = 0;
  let ended = false;
  let over = false;
  const between = {
    command: child.command,
    pass() {
      if (child.input.length > sent) server.write(child.input.subarray(sent));
      sent = child.input.length;
      if (child.args && server.stdout.length > printed) {
        void child.print(server.stdout.slice(printed));
        printed = server.stdout.length;
      }
      if (!ended && (child.inputEnded || child.over)) server.endInput();
      ended ||= child.inputEnded || child.over;
      if (child.signals.length > 0) server.stop();
      if (server.end && !over) child.exit(server.end.code ?? 1);
      over ||= server.end !== undefined;
    },
    close: () => close(),
  };
  return between;
}
