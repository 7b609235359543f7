# The server of lesson 1 in Python, with nothing but its standard library: a thread for each client.
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.append(os.path.join(os.path.dirname(__file__), ".."))
from work_clock import work  # noqa: E402


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/ping":
            self.answer(200, b"pong")
        elif self.path == "/stream":
            self.stream()
        else:
            self.answer(404, b"not found")

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(1, 6):
            work(f"message {number}")
            self.chunk(f"Message {number}\n".encode())
        self.chunk(b"")

    def refuse(self):
        self.answer(405, b"only GET")

    do_POST = do_PUT = do_DELETE = do_PATCH = refuse

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, *_args):
        pass


port = int(os.environ.get("PORT", "3000"))
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
