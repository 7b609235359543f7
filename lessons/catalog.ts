export type Part = 'Streams' | 'MCP without an SDK' | 'MCP in the open' | 'Capstone' | 'Going further';

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
  /** What `npm run try` gives the learner's client beside the URL. */
  tryArguments?: string[];
  /** Seconds after which `npm run try` presses Ctrl+C in the client, counted from the beginning of an event stream. */
  interruptAfter?: number;
  /** Whether `npm run try` also starts examples/authorization-server.ts of the lesson. */
  needsTokens?: true;
  /** Where `npm run try` posts to the server, so many seconds after the first event stream has begun. */
  postAfter?: { path: string; seconds: number };
  /** Whether `npm run try` ends the session of the client before the first call reaches the server. */
  endsSession?: true;
  /** Whether its client is a bridge: `npm run try` then plays the host that starts it. */
  hasHost?: true;
  /** Whether `npm run try` starts a second client, and has two people talk with each other through the two. */
  hasCompany?: true;
};

/** The course, in order. Titles of tasks and requirements stand in each lesson's README. */
export const catalog: readonly Lesson[] = [
  {
    number: 1,
    slug: '01-chunked-stream',
    title: 'A chunked stream',
    part: 'Streams',
    minutes: 30,
    tryPath: '/stream',
  },
  {
    number: 2,
    slug: '02-server-sent-events',
    title: 'Server-sent events',
    part: 'Streams',
    minutes: 35,
    tryPath: '/calculate?a=7&b=5&op=mul',
  },
  {
    number: 3,
    slug: '03-reading-events',
    title: 'Reading events',
    part: 'Streams',
    minutes: 35,
    tryPath: '/calculate?a=7&b=5&op=mul',
  },
  {
    number: 4,
    slug: '04-backpressure',
    title: 'Backpressure',
    part: 'Streams',
    minutes: 30,
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
    number: 6,
    slug: '06-resuming-a-stream',
    title: 'Resuming a stream',
    part: 'Streams',
    minutes: 35,
    tryPath: '/report',
  },
  {
    number: 7,
    slug: '07-json-rpc',
    title: 'JSON-RPC over HTTP',
    part: 'MCP without an SDK',
    minutes: 40,
    tryPath: '/mcp',
  },
  {
    number: 8,
    slug: '08-handshake',
    title: 'The handshake',
    part: 'MCP without an SDK',
    minutes: 40,
    tryPath: '/mcp',
  },
  {
    number: 9,
    slug: '09-notifications',
    title: 'Notifications',
    part: 'MCP without an SDK',
    minutes: 30,
    tryPath: '/mcp',
  },
  {
    number: 10,
    slug: '10-sessions-and-log-levels',
    title: 'Sessions and log levels',
    part: 'MCP without an SDK',
    minutes: 30,
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
  {
    number: 12,
    slug: '12-failing-clearly',
    title: 'Failing clearly',
    part: 'MCP without an SDK',
    minutes: 30,
    tryPath: '/mcp',
  },
  {
    number: 13,
    slug: '13-progress',
    title: 'Progress',
    part: 'MCP without an SDK',
    minutes: 40,
    tryPath: '/mcp',
  },
  {
    number: 14,
    slug: '14-cancellation',
    title: 'Cancellation',
    part: 'MCP without an SDK',
    minutes: 35,
    tryPath: '/mcp',
    interruptAfter: 1.5,
  },
  {
    number: 15,
    slug: '15-stand-alone-stream',
    title: 'The stand-alone stream',
    part: 'MCP without an SDK',
    minutes: 35,
    tryPath: '/mcp',
  },
  {
    number: 16,
    slug: '16-resumption',
    title: 'Resumption',
    part: 'MCP without an SDK',
    minutes: 40,
    tryPath: '/mcp',
  },
  {
    number: 17,
    slug: '17-who-may-ask',
    title: 'Who may ask',
    part: 'MCP in the open',
    minutes: 40,
    tryPath: '/mcp',
  },
  {
    number: 18,
    slug: '18-tokens-and-tls',
    title: 'Tokens and TLS',
    part: 'MCP in the open',
    minutes: 40,
    tryPath: '/mcp',
    needsTokens: true,
  },
  {
    number: 19,
    slug: '19-standard-input-and-output',
    title: 'Standard input and output',
    part: 'MCP in the open',
    minutes: 40,
    tryPath: 'stdio',
  },
  {
    number: 20,
    slug: '20-two-endpoints',
    title: 'Two endpoints',
    part: 'MCP in the open',
    minutes: 40,
    tryPath: '/sse',
  },
  {
    number: 21,
    slug: '21-every-request-says-it-all',
    title: 'Every request says it all',
    part: 'MCP in the open',
    minutes: 40,
    tryPath: '/mcp',
  },
  {
    number: 22,
    slug: '22-nothing-is-remembered',
    title: 'Nothing is remembered',
    part: 'MCP in the open',
    minutes: 35,
    tryPath: '/mcp',
    postAfter: { path: '/archive', seconds: 1.5 },
  },
  {
    number: 23,
    slug: '23-both-eras',
    title: 'Both eras',
    part: 'MCP in the open',
    minutes: 35,
    tryPath: '/mcp',
  },
  {
    number: 24,
    slug: '24-the-official-sdk',
    title: 'The official SDK',
    part: 'MCP in the open',
    minutes: 35,
    tryPath: '/mcp',
  },
  {
    number: 25,
    slug: '25-traps-of-the-sdk',
    title: 'Traps of the SDK',
    part: 'MCP in the open',
    minutes: 35,
    tryPath: '/mcp',
  },
  {
    number: 26,
    slug: '26-in-a-host',
    title: 'In a real host',
    part: 'MCP in the open',
    minutes: 35,
    tryPath: '/mcp',
    hasHost: true,
  },
  {
    number: 27,
    slug: '27-a-list-of-documents',
    title: 'A list of documents',
    part: 'Capstone',
    minutes: 90,
    tryPath: '/mcp',
    tryArguments: ['preamble.txt', 'fox-and-grapes.txt', 'missing.txt'],
  },
  {
    number: 28,
    slug: '28-sessions-that-end',
    title: 'Sessions that end',
    part: 'Going further',
    minutes: 30,
    tryPath: '/mcp',
    endsSession: true,
  },
  {
    number: 29,
    slug: '29-resources-and-prompts',
    title: 'Resources and prompts',
    part: 'Going further',
    minutes: 35,
    tryPath: '/mcp',
  },
  {
    number: 30,
    slug: '30-ask-the-client',
    title: 'Ask the client',
    part: 'Going further',
    minutes: 35,
    tryPath: '/mcp',
    tryArguments: ['hello', 'signature=Ada'],
  },
  {
    number: 31,
    slug: '31-live-analytics',
    title: 'Live analytics',
    part: 'Going further',
    minutes: 60,
    tryPath: '/mcp',
    tryArguments: ['10', '40'],
  },
  {
    number: 32,
    slug: '32-a-chat-room',
    title: 'A chat room',
    part: 'Going further',
    minutes: 75,
    tryPath: '/mcp',
    tryArguments: ['ann'],
    hasCompany: true,
  },
  {
    number: 33,
    slug: '33-one-document-two-editors',
    title: 'One document, two editors',
    part: 'Going further',
    minutes: 75,
    tryPath: '/mcp',
    tryArguments: ['2: Tuesday: fish', '+ Friday: bread'],
  },
];

/** Some of the lessons, in the order of the course, for a group that has not the time for all. */
type Track = {
  /** How much time there is: `Half a day`. */
  title: string;
  /** Where it leads. */
  goal: string;
  /** Numbers of lessons. Nothing outside of them is needed. */
  lessons: number[];
};

export const tracks: readonly Track[] = [
  { title: 'Half a day', goal: 'from the first stream to notifications', lessons: [1, 2, 7, 8, 9] },
  {
    title: 'One day',
    goal: 'a server and a client of MCP, with sessions and clear failures',
    lessons: [1, 2, 3, 7, 8, 9, 10, 11, 12],
  },
  {
    title: 'Two days',
    goal: 'all transports of MCP, and whom a server lets in',
    lessons: catalog.map(({ number }) => number).filter((number) => number <= 20),
  },
  {
    title: 'Three days',
    goal: 'the whole course, with the capstone',
    lessons: catalog.filter(({ part }) => part !== 'Going further').map(({ number }) => number),
  },
];

/** The minutes of all lessons of a track. */
export const minutesOf = ({ lessons }: Track): number =>
  catalog.reduce((sum, { number, minutes }) => sum + (lessons.includes(number) ? minutes : 0), 0);
