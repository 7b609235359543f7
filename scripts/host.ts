import { run } from './workshop/command.ts';
import { host } from './workshop/host.ts';

await run(
  {
    usage: 'npm run host [vscode | claude-code | cursor | gemini | claude-desktop]',
    summary: 'Prints the configuration with which a host uses your server, and puts it in place with --write.',
    words: 1,
    options: {
      url: { type: 'string', help: 'the address of your server: http://127.0.0.1:3000/mcp unless told' },
      name: { type: 'string', help: 'how the host calls it: chunk-by-chunk-server unless told' },
      bridge: { type: 'boolean', help: 'let the host start the bridge of lesson 26 instead' },
      write: { type: 'boolean', help: "add it to the host's file, which is saved first" },
      file: { type: 'string', help: 'the file to write, where it is not in this project' },
      json: { type: 'boolean', help: 'print the same as JSON' },
    },
  },
  host,
);
