import type { Program } from '../../test/harness/programs/program.ts';

const request = (id: number, method: string, params: object) => ({ jsonrpc: '2.0', id, method, params });

const initialize = request(1, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'host', version: '1.0.0' },
});
const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' };
const call = request(2, 'tools/call', { name: 'process_files', arguments: { message: 'hello' } });

/**
 * Plays the host that starts a bridge: it shakes hands, calls a tool, and ends the input when the response is there.
 * @returns what to call whenever the bridge may have written something
 */
export function hostOf(bridge: Program): () => void {
  const write = (...messages: object[]) => {
    for (const message of messages) bridge.write(`${JSON.stringify(message)}\n`);
  };
  const hasAnswered = (id: number) => bridge.lines.some((line) => line.includes(`"id":${id},`));
  let step = 0;
  write(initialize);
  return () => {
    if (step === 0 && hasAnswered(1)) {
      step = 1;
      write(initialized, call);
    }
    if (step === 1 && hasAnswered(2)) {
      step = 2;
      bridge.endInput();
    }
  };
}
