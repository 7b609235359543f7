// A machine that opens no more connections says nothing about a server.
import { connect, createServer, Socket, type AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { accepts } from '../harness/programs/listening.ts';

vi.mock('node:net', async (original) => {
  const real = await original<typeof import('node:net')>();
  return { ...real, connect: vi.fn(real.connect) };
});

test('a port on which somebody listens accepts, and one that was closed does not', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  expect(await accepts(port)).toBe(true);
  await new Promise((resolve) => server.close(resolve));
  expect(await accepts(port)).toBe(false);
});

test.for(['EMFILE', 'ENFILE'])('%s is the machine’s, and not the server’s', async (code) => {
  onTestFinished(() => void vi.mocked(connect).mockReset());
  vi.mocked(connect).mockImplementation(() => {
    const socket = new Socket();
    setImmediate(() => socket.destroy(Object.assign(new Error(`connect ${code}`), { code, syscall: 'connect' })));
    return socket;
  });
  await expect(accepts(1)).rejects.toMatchObject({ code });
});
