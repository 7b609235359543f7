// Preloaded into a server that is measured: it tells its memory to the process that has started it, and ends with it.
process.on('message', () => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.send?.(heapUsed + external);
});
process.on('disconnect', () => process.exit());
process.channel?.unref();
