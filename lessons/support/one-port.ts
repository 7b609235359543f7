// One port for TLS and for plain HTTP.
import type { Server as HttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';

/** The first byte of every TLS connection: the type of the record that has the client's hello (RFC 8446, section 5.1). */
const handshakeRecord = 0x16;

/**
 * A server that looks at the first byte of each connection, puts it back, and hands the connection to one of two others.
 * Neither of them listens itself.
 */
export function byFirstByte({ secure, plain }: { secure: HttpServer; plain: HttpServer }): Server {
  return createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('readable', () => {
      const first: Buffer | null = socket.read(1);
      if (!first) return socket.destroy(); // the client has left without a word
      socket.unshift(first);
      (first[0] === handshakeRecord ? secure : plain).emit('connection', socket);
    });
  });
}
