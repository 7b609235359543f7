import express from 'express';

const app = express();

// A timer instead of a loop, and no work clock: the last message ends the response.
app.get('/stream', (_request, response) => {
  response.type('text/plain');
  let sent = 0;
  const timer = setInterval(() => {
    response.write(`Message ${++sent}\n`);
    if (sent < 5) return;
    clearInterval(timer);
    response.end();
  }, 100);
});

app.get('/ping', (_request, response) => {
  response.type('text/plain').send('pong');
});

app.listen(Number(process.env.PORT), '127.0.0.1');
