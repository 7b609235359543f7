import picocolors from 'picocolors';

const { env, stdout } = process;

/** Colour in a terminal, and where FORCE_COLOR asks for it; not in a pipe, whatever else the environment says. */
export const pc = picocolors.createColors(
  picocolors.isColorSupported && (stdout.isTTY === true || 'FORCE_COLOR' in env),
);
