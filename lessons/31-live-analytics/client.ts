// The client of this stretch goal. The README of this lesson says what it has to do; how it does this is up to you.

const [url = 'http://127.0.0.1:3000/mcp', every = '10', lines] = process.argv.slice(2);

// TODO task 2: call the tool, show the counts on arrival, and print the totals at the end
