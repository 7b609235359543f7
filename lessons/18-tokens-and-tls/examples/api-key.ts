// A server with API keys, to compare them with tokens. It prints a new key when it starts.
import { createHash, randomBytes } from 'node:crypto';
import express, { type RequestHandler } from 'express';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const newKey = randomBytes(32).toString('base64url');
console.log(`curl -i http://127.0.0.1:3000/ -H "X-API-Key: ${newKey}"`);

/** Who has which key. The server keeps only hashes, so that a stolen table opens nothing. */
const clients = new Map([[sha256(newKey), 'workshop']]);

const requireKey: RequestHandler = (request, response, next) => {
  const client = clients.get(sha256(request.get('X-API-Key') ?? ''));
  if (!client) return void response.status(401).end();
  response.locals.subject = client;
  next();
};

express()
  .get('/', requireKey, (_request, response) => void response.send(`Hello, ${response.locals.subject}\n`))
  .listen(3000, '127.0.0.1');
