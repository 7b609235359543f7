// The documents of lesson 29: a folder in which a tool may write, their names and URIs, and what their bytes are.
import { cpSync, mkdtempSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';

/** The folder with the documents: the one that DOCUMENTS names, or a copy of the workshop's own. */
export const folder = process.env.DOCUMENTS ?? copyOfDocuments();

function copyOfDocuments(): string {
  const copy = mkdtempSync(join(tmpdir(), 'documents-'));
  cpSync(join(import.meta.dirname, 'documents'), copy, { recursive: true });
  return copy;
}

/** The names of the documents that are in the folder now, in alphabetical order. */
export async function documentNames(): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isFile() ? entry.name : [])).sort();
}

/** The URI of a document: `document:///` and its name, in which all characters that mean something in a URI are encoded. */
export const uriOf = (name: string): string => `document:///${encodeURIComponent(name)}`;

/** What stands in the place of the name in such a URI, decoded. It can be any string, because clients write URIs. */
export function nameIn(uri: string): string {
  try {
    return decodeURIComponent(uri.slice('document:///'.length));
  } catch {
    return '';
  }
}

const types: Record<string, string> = { '.txt': 'text/plain', '.md': 'text/markdown', '.png': 'image/png' };

/** The media type of a document, by the end of its name. */
export const mimeTypeOf = (name: string): string => types[extname(name)] ?? 'application/octet-stream';

/** The text of a document, or undefined if its bytes are not UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
