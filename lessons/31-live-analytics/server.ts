// The server of this stretch goal. The README of this lesson says what it has to do; how it does this is up to you.
import { growingLog } from '#support/growing-log.ts';

/** The log that the tool follows. */
const file = process.env.LOG ?? growingLog();

// TODO task 1: offer the tool watch_log at /mcp, and send the counts for each `every` lines
