import { AsyncLocalStorage } from 'node:async_hooks';

/** Repeatable randomness: the same seed draws the same inputs on every machine. */
export type Random = {
  /** Draws from another seed from now on. */
  restart(seed: number): void;
  /**
   * Calls `draws`, which draws from a seed of its own, also in what it awaits. So what runs at the same time draws the
   * same in each run, whichever comes first.
   */
  apart<Result>(draws: () => Result): Result;
  /** As `apart`, and what is drawn afterwards stays as if nothing had been drawn here: a new case changes no kept verdict. */
  aside<Result>(draws: () => Result): Result;
  /** A number from 0 up to 1. */
  next(): number;
  /** A whole number from `from` to `to`, both included. */
  integer(from: number, to: number): number;
  pick<T>(values: readonly T[]): T;
  /** The same values in another order. */
  shuffled<T>(values: readonly T[]): T[];
  /** `count` words in lower case, each of 3 to 8 letters. */
  words(count: number): string[];
  /** `bytes` in pieces: cut at `cuts` random places, and at each place of `at`. */
  cut(bytes: Uint8Array, cuts: number, at?: readonly number[]): Uint8Array[];
};

/** Mulberry32 over a 32-bit seed. */
export function randomFrom(seed: number): Random {
  const main = { state: seed >>> 0 };
  const apart = new AsyncLocalStorage<{ state: number }>();
  const next = () => {
    const drawing = apart.getStore() ?? main;
    drawing.state = (drawing.state + 0x6d2b79f5) >>> 0;
    let t = drawing.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  const word = () => Array.from({ length: integer(3, 8) }, () => String.fromCharCode(integer(0x61, 0x7a))).join('');
  return {
    restart: (seed) => {
      main.state = seed >>> 0;
    },
    apart: (draws) => apart.run({ state: integer(0, 2 ** 32 - 1) }, draws),
    aside: (draws) => apart.run({ state: ~(apart.getStore() ?? main).state >>> 0 }, draws),
    next,
    integer,
    pick: (values) => values[integer(0, values.length - 1)]!,
    shuffled: (values) => {
      const left = [...values];
      return values.map(() => left.splice(integer(0, left.length - 1), 1)[0]!);
    },
    words: (count) => Array.from({ length: count }, word),
    cut: (bytes, cuts, at = []) => {
      const places = [...at, ...Array.from({ length: cuts }, () => integer(1, bytes.length - 1))];
      const edges = [0, ...new Set(places.filter((p) => p > 0 && p < bytes.length)), bytes.length].sort(
        (a, b) => a - b,
      );
      return edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
    },
  };
}
