# The server of lesson 2 in Python, with nothing but its standard library.
import json
import math
import os
import re
import sys
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

sys.path.append(os.path.join(os.path.dirname(__file__), ".."))
from work_clock import work  # noqa: E402

quiet_interval = float(os.environ.get("QUIET_INTERVAL", "15000")) / 1000
operations = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
}


def number(values):
    """The one finite number among the values of a parameter, or None."""
    if len(values) != 1 or not re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", values[0]):
        return None
    value = float(values[0])
    return value if math.isfinite(value) else None


def decimal(value):
    """As JavaScript writes it, but a whole number with one decimal."""
    if value.is_integer() and abs(value) < 1e21:
        return f"{value:.1f}"
    text = repr(value).replace("inf", "Infinity").replace("nan", "NaN")
    digits, exponent, power = text.partition("e")
    if exponent == "":
        return text
    if -7 < int(power) < 21:
        return f"{Decimal(repr(value)):f}"
    return f"{digits.removesuffix('.0')}e{int(power):+d}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/ping":
            self.answer(200, "text/plain; charset=utf-8", "pong")
        elif url.path == "/calculate":
            self.calculate(parse_qs(url.query, keep_blank_values=True))
        else:
            self.answer(404, "text/plain; charset=utf-8", "not found")

    def calculate(self, query):
        a, b = number(query.get("a", [])), number(query.get("b", []))
        op, note = query.get("op", []), query.get("note", [])
        checks = [
            ("a", a is not None, "a must be one number"),
            ("b", b is not None, "b must be one number"),
            ("op", len(op) == 1 and op[0] in operations, "op must be add, sub, mul or div"),
            ("note", len(note) < 2, "there may be only one note"),
        ]
        for parameter, right, error in checks:
            if not right:
                self.answer(400, "application/json", json.dumps({"parameter": parameter, "error": error}))
                return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache, no-transform")
        self.send_header("X-Accel-Buffering", "no")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.event("info", f"Calculating: {decimal(a)} {op[0]} {decimal(b)}")
        if note and note[0]:
            self.event("note", note[0])
        self.work_with_comments(f"{a} {op[0]} {b}")
        if op[0] == "div" and b == 0:
            self.event("error", "division by zero")
        else:
            self.event("result", decimal(operations[op[0]](a, b)))
        self.chunk(b"")

    def work_with_comments(self, label):
        done = threading.Event()

        def comment():
            while not done.wait(quiet_interval):
                self.chunk(b": still at work\n\n")

        comments = threading.Thread(target=comment, daemon=True)
        comments.start()
        try:
            work(label)
        finally:
            done.set()
            comments.join()

    def event(self, name, data):
        lines = "".join(f"data: {line}\n" for line in re.split(r"\r\n|\r|\n", data))
        self.chunk(f"event: {name}\n{lines}\n".encode())

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def answer(self, status, content_type, body):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_args):
        pass


port = int(os.environ.get("PORT", "3000"))
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
