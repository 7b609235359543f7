// Says which line keeps a program busy: `node busy.js DEBUGGER-URL FOLDER-URL` prints `server.ts:14`.
// A process of its own, because WebSocket stands behind a flag in Node 20.
import { SourceMap } from 'node:module';

const [debuggerUrl, folder] = process.argv.slice(2);
const scripts = new Map();
const socket = new WebSocket(debuggerUrl);
const send = (id, method) => socket.send(JSON.stringify({ id, method }));

setTimeout(() => process.exit(1), 1500);
socket.onopen = () => {
  send(1, 'Debugger.enable');
  send(2, 'Debugger.pause');
};
socket.onmessage = ({ data }) => {
  const { method, params } = JSON.parse(data);
  if (method === 'Debugger.scriptParsed') scripts.set(params.scriptId, params);
  if (method !== 'Debugger.paused') return;
  for (const { location } of params.callFrames) {
    const { url, sourceMapURL } = scripts.get(location.scriptId) ?? {};
    if (!url?.startsWith(folder)) continue;
    const name = url.slice(folder.length).replace(/\?.*/, '');
    console.log(`${name}:${lineOf(sourceMapURL, location) + 1}`);
    break;
  }
  process.exit();
};

/** The line in the TypeScript file, from 0. */
function lineOf(sourceMapURL, { lineNumber, columnNumber }) {
  const [, encoded] = /^data:application\/json[^,]*;base64,(.*)$/.exec(sourceMapURL ?? '') ?? [];
  if (!encoded) return lineNumber;
  const map = new SourceMap(JSON.parse(Buffer.from(encoded, 'base64').toString()));
  return map.findEntry(lineNumber, columnNumber).originalLine ?? lineNumber;
}
