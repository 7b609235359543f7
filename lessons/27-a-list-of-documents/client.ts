// The client of the capstone. The README of this lesson says what it has to do; how it does this is up to you.

const [url = 'http://127.0.0.1:3000/mcp', ...documents] = process.argv.slice(2);

// TODO task 4: call the tool, show each notification on arrival, and end with a table
