// JSON as it comes over the wire.

/** An object of a message, or whatever came in the place of one. */
export type Message = Record<string, unknown>;

/** The value of this JSON; undefined when the text is not JSON. */
export function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An object of JSON: neither an array nor null. */
export const isObject = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
