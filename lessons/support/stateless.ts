// What the servers and clients of revision 2026-07-28 share: the names in `_meta`, and the form of `Mcp-Name`.

/** The members of `_meta` that this revision defines (MCP 2026-07-28, basic, "_meta"). */
export const metaKeys = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
} as const;

/** The form of a value that is not safe in a header: `=?base64?`, the UTF-8 of the value in Base64, and `?=`. */
const encoded = /^=\?base64\?(.*)\?=$/s;

/** A value as a header carries it (MCP 2026-07-28, basic/transports/streamable-http, "Value Encoding"). */
export function toHeader(value: string): string {
  const safe = /^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !encoded.test(value);
  return safe ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`;
}

/** The value that a header carries. A header that is missing has none. */
export function fromHeader(header: string | undefined): string | undefined {
  const base64 = header?.match(encoded)?.[1];
  return base64 === undefined ? header : Buffer.from(base64, 'base64').toString();
}
