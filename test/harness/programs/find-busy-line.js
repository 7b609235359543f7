// Says which line keeps a program busy: `node find-busy-line.js DEBUGGER-URL FOLDER-URL` prints `server.ts:14`.
// A process of its own, because WebSocket stands behind a flag in Node 20.
import { SourceMap } from 'node:module';

const [debuggerUrl, folder] = process.argv.slice(2);
const scripts = new Map();
const socket = new WebSocket(debuggerUrl);
const send = (id, method) => socket.send(JSON.stringify({ id, method }));

setTimeout(() => process.exit(1), 60_000);
socket.onerror = () => process.exit(1); // the program has ended
socket.onopen = () => {
  send(1, 'Debugger.enable');
  send(2, 'Debugger.pause');
};
socket.onmessage = ({ data }) => {
  const { method, params } = JSON.parse(data);
  if (method === 'Debugger.scriptParsed') scripts.set(params.scriptId, params);
  if (method !== 'Debugger.paused') return;
  for (const { location } of params.callFrames) {
    const { url, line } = placeOf(scripts.get(location.scriptId), location);
    if (!url?.startsWith(folder)) continue;
    console.log(`${url.slice(folder.length)}:${line + 1}`);
    break;
  }
  process.exit();
};

/** The place in the TypeScript file; lines count from 0. */
function placeOf({ url, sourceMapURL } = {}, { lineNumber, columnNumber }) {
  const [, encoded] = /^data:application\/json[^,]*;base64,(.*)$/.exec(sourceMapURL ?? '') ?? [];
  if (!encoded) return { url, line: lineNumber };
  const map = new SourceMap(JSON.parse(Buffer.from(encoded, 'base64').toString()));
  const { originalSource, originalLine } = map.findEntry(lineNumber, columnNumber);
  return { url: originalSource && new URL(originalSource, url).href, line: originalLine };
}
