// The server of a document that several editors change. The README says what it has to do; how it does this is up to you.

/** The document as a resource of MCP. */
const uri = 'document://shared';

/** The document: its lines, and its version, which counts the edits. */
let shared = { version: 1, lines: ['Monday: soup', 'Tuesday: pasta', 'Wednesday: rice', 'Thursday: pizza'] };

// TODO task 1: serve the document at /mcp, apply one edit after the other, and tell the sessions that have subscribed
