// The server of the chat room. The README of this lesson says what it has to do; how it does this is up to you.

/** As soon as more bytes than this wait for a member, this member has to leave the room. */
const longestQueue = 1024 ** 2;

// TODO task 1: offer the tools join and say at /mcp, and send what is said on the stand-alone streams
