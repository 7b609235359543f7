/** For `vi.waitUntil` and `expect.poll`: only a wait that fails takes this long, and it ends before its test does. */
export const patient = { timeout: 240_000, interval: 20 };
