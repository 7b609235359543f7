// A machine that opens no more connections, or that is busy, says nothing about a server.
import { once } from 'node:events';
import { connect, createServer, Socket, type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { elapsedSince } from '../harness/programs/breakpoints.js';
import { accepts, advances, listeningOn } from '../harness/programs/listening.ts';
import type { Program } from '../harness/programs/program.ts';

vi.mock('node:net', async (original) => {
  const real = await original<typeof import('node:net')>();
  return { ...real, connect: vi.fn(real.connect) };
});

vi.mock('../harness/programs/breakpoints.js', async (original) => {
  const real = await original<typeof import('../harness/programs/breakpoints.js')>();
  return { ...real, elapsedSince: vi.fn(real.elapsedSince) };
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

/** A program of which the grader is told what `looks` has, one after the other; the last one again and again. */
function told(looks: { processorTime?: number; fileCalls?: number; stderr?: string }[]): Program {
  let at = -1;
  const now = () => looks[Math.min(at, looks.length - 1)]!;
  return {
    caughtUp: () => Promise.resolve(++at >= 0),
    get processorTime() {
      return now().processorTime ?? 0;
    },
    get fileCalls() {
      return now().fileCalls ?? 0;
    },
    get stderr() {
      return now().stderr ?? '';
    },
    stdout: '',
  } as Partial<Program> as Program;
}

describe('a program that loads', { concurrent: true }, () => {
  const idle = { processorTime: 300 };
  test.for([
    ['gets no processor for two seconds', [idle, idle, idle, idle, idle, { processorTime: 400 }]],
    ['waits for the disk', [idle, idle, { ...idle, fileCalls: 1 }]],
    ['says something late', [idle, idle, idle, { ...idle, stderr: 'Error' }]],
  ] as const)('advances although it %s', async ([, looks]) => {
    expect(await advances(told([...looks]))).toBe(true);
  });

  test('does not advance when for three seconds it only answers', async () => {
    const looks = Array.from({ length: 8 }, (_, look) => ({ processorTime: 300 + 4 * look }));
    expect(await advances(told(looks))).toBe(false);
  });
});

test('a server that begins to listen while it is asked where it listens has not had its time', async () => {
  onTestFinished(() => void vi.mocked(elapsedSince).mockReset());
  vi.mocked(elapsedSince).mockReturnValue(10_000);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  onTestFinished(() => void server.close());
  const program = Object.assign(told([{}]), {
    begun: Promise.resolve(),
    async listening() {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      return [`127.0.0.1:${port}`];
    },
  });
  await expect(listeningOn(program, port)).resolves.toBeUndefined();
});
