// Writes row after row, and does not look whether anybody reads them.
import express from 'express';
import { rows } from '#support/rows.ts';

const app = express();

app.get('/export', async (_request, response) => {
  response.type('application/x-ndjson');
  for await (const row of rows()) {
    response.write(`${JSON.stringify(row)}\n`);
  }
  response.end();
});

app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
