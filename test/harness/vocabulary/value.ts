// Values in messages: what is compared and what a verdict shows come from the value itself.
import { isDeepStrictEqual } from 'node:util';
import { Failure, type Explanation } from '../run/failure.ts';
import { isObject } from '../wire/json.ts';
import { visible } from '../wire/printable.js';

/** A value as an explanation shows it. */
export const asJson = (value: unknown): string => (value === undefined ? '(nothing)' : visible(JSON.stringify(value)));

/** What a complaint about a value says beside the cause. */
export type Words = Pick<Explanation, 'advice'> & {
  /** What is shown as expected, where the value cannot say it: `{"type":"object", …}`. */
  like?: string;
};

/** A value that a grader looks at. Each word fails with the cause and the advice that it is given, and shows the value. */
export type Looked = {
  readonly value: unknown;
  /** The member of this name. When it is missing, verdicts show the value that does not have it. */
  at(name: string): Looked;
  has(name: string): boolean;
  /** The value is equal to this one. */
  is(expected: unknown, cause: string, advice?: string): void;
  /** The value differs from this one. */
  isNot(unwanted: unknown, cause: string, words?: Words): void;
  /** The value is a string that is not empty. */
  string(cause: string, words?: Words): string;
  /** The value is an object; `missing` is the cause when there is no value at all. */
  object(cause: string, words?: Words & { missing?: string }): Looked;
  /** The value is an array. */
  array(cause: string, words?: Words & { missing?: string }): unknown[];
  /** Any other condition. */
  expect(condition: unknown, cause: string, words?: Words): void;
};

/**
 * @param value of a message
 * @param name of the member that holds it: verdicts show `"name":value`; empty for an item of an array
 * @param see the command that shows the same by hand
 * @param absent what verdicts show when there is no value
 */
export function look(value: unknown, name: string, see?: string, absent = `(no ${name})`): Looked {
  const member = (shown: string) => (name === '' ? shown : `"${name}":${shown}`);
  const received = value === undefined ? absent : member(asJson(value));
  const fail = (cause: string, expected: string, advice?: string): never => {
    throw new Failure({
      cause,
      compare: { expected, received },
      ...(advice && { advice }),
      ...(see !== undefined && { see }),
    });
  };
  const looked: Looked = {
    value,
    at: (inner) => look(isObject(value) ? value[inner] : undefined, inner, see, received),
    has: (inner) => isObject(value) && inner in value,
    is(expected, cause, advice) {
      const shown = expected === undefined ? `(no ${name})` : member(asJson(expected));
      if (!isDeepStrictEqual(value, expected)) fail(cause, shown, advice);
    },
    isNot(unwanted, cause, { like = 'something else', advice } = {}) {
      if (isDeepStrictEqual(value, unwanted)) fail(cause, member(like), advice);
    },
    string(cause, { like = '"…"', advice } = {}) {
      return typeof value === 'string' && value !== '' ? value : fail(cause, member(like), advice);
    },
    object(cause, { like = '{…}', missing = cause, advice } = {}) {
      return isObject(value) ? looked : fail(value === undefined ? missing : cause, member(like), advice);
    },
    array(cause, { like = '[…]', missing = cause, advice } = {}) {
      return Array.isArray(value) ? value : fail(value === undefined ? missing : cause, member(like), advice);
    },
    expect(condition, cause, { like = '…', advice } = {}) {
      if (!condition) fail(cause, like, advice);
    },
  };
  return looked;
}
