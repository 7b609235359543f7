// The server of the capstone. The README of this lesson says what it has to do; how it does this is up to you.
import { join } from 'node:path';

/** The folder with the documents. */
const folder = process.env.DOCUMENTS ?? join(import.meta.dirname, '../support/documents');

// TODO task 1: offer the tool process_documents at /mcp, and process each document of a call

// TODO task 2: report each document before the work on it, and log it after

// TODO task 3: continue after a document that fails, open nothing outside of the folder, and stop when cancelled
