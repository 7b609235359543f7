/**
 * Fast start is a layer: compiled commands, built programs, packed packages, programs that wait. With `FAST_START=off`
 * nothing of it is used. Every verdict is the same without it, and comes later.
 */
export const fastStart = process.env.FAST_START !== 'off';
