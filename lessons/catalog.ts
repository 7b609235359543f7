export type Part = 'Streams' | 'MCP without an SDK' | 'MCP in the open' | 'Capstone';

/** A lesson as the catalog lists it. */
export type Lesson = {
  /** Position in the course, from 1. */
  number: number;
  /** Names its folder in lessons/ and solutions/, and its files in test/: `01-chunked-stream`. */
  slug: string;
  title: string;
  part: Part;
  /** What an instructor plans for it. */
  minutes: number;
  /** What `npm run try` asks the server for, through the learner's client. */
  tryPath: string;
};

/** The course, in order. Titles of tasks and requirements stand in each lesson's README. */
export const catalog: readonly Lesson[] = [
  {
    number: 1,
    slug: '01-chunked-stream',
    title: 'A chunked stream',
    part: 'Streams',
    minutes: 25,
    tryPath: '/stream',
  },
  {
    number: 2,
    slug: '02-server-sent-events',
    title: 'Server-sent events',
    part: 'Streams',
    minutes: 30,
    tryPath: '/calculate?a=7&b=5&op=mul',
  },
  {
    number: 4,
    slug: '04-backpressure',
    title: 'Backpressure',
    part: 'Streams',
    minutes: 25,
    tryPath: '/files/notes.txt',
  },
  {
    number: 5,
    slug: '05-disconnects',
    title: 'Disconnects',
    part: 'Streams',
    minutes: 30,
    tryPath: '/report',
  },
  {
    number: 7,
    slug: '07-json-rpc',
    title: 'JSON-RPC over HTTP',
    part: 'MCP without an SDK',
    minutes: 25,
    tryPath: '/mcp',
  },
  {
    number: 8,
    slug: '08-handshake',
    title: 'The handshake',
    part: 'MCP without an SDK',
    minutes: 30,
    tryPath: '/mcp',
  },
  {
    number: 9,
    slug: '09-notifications',
    title: 'Notifications',
    part: 'MCP without an SDK',
    minutes: 35,
    tryPath: '/mcp',
  },
  {
    number: 11,
    slug: '11-message-handler',
    title: 'The message handler',
    part: 'MCP without an SDK',
    minutes: 35,
    tryPath: '/mcp',
  },
];
