export type Part = 'Streams' | 'MCP by hand' | 'MCP in the wild';

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
    number: 3,
    slug: '03-backpressure',
    title: 'Backpressure',
    part: 'Streams',
    minutes: 25,
    tryPath: '/files/notes.txt',
  },
  {
    number: 4,
    slug: '04-disconnects',
    title: 'Disconnects',
    part: 'Streams',
    minutes: 30,
    tryPath: '/report',
  },
  {
    number: 5,
    slug: '05-json-rpc',
    title: 'JSON-RPC over HTTP',
    part: 'MCP by hand',
    minutes: 25,
    tryPath: '/mcp',
  },
  {
    number: 6,
    slug: '06-handshake',
    title: 'The handshake',
    part: 'MCP by hand',
    minutes: 30,
    tryPath: '/mcp',
  },
  {
    number: 7,
    slug: '07-notifications',
    title: 'Notifications',
    part: 'MCP by hand',
    minutes: 35,
    tryPath: '/mcp',
  },
  {
    number: 8,
    slug: '08-message-handler',
    title: 'The message handler',
    part: 'MCP by hand',
    minutes: 35,
    tryPath: '/mcp',
  },
];
