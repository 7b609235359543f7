// The client of the chat room. The README of this lesson says what it has to do; how it does this is up to you.

const [url = 'http://127.0.0.1:3000/mcp', name = 'somebody'] = process.argv.slice(2);

// TODO task 2: join the room, say each line of standard input, and print what the others say on arrival
