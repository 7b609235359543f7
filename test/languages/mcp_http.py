"""What the MCP servers in Python have in common: JSON-RPC over HTTP, on one path, for pages of this machine only."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

revisions = ["2025-11-25", "2025-06-18"]


class Failed(Exception):
    """The error of JSON-RPC that answers a request."""

    def __init__(self, code, message):
        super().__init__(message)
        self.error = {"code": code, "message": message}


def is_id(value):
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


class Handler(BaseHTTPRequestHandler):
    """A server says in on_request, on_notification and on_delete what it does."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        # The body has to be read in any case, or its bytes become the next request.
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if not self.is_allowed():
            return
        accept = self.headers.get("Accept", "")
        if not all(accepts(accept, kind) for kind in ("application/json", "text/event-stream")):
            self.refuse(406, -32600, "Accept must list application/json and text/event-stream")
        elif self.headers.get_content_type() != "application/json":
            self.refuse(415, -32600, "Content-Type must be application/json")
        elif self.headers.get("MCP-Protocol-Version", revisions[0]) not in revisions:
            self.refuse(400, -32600, f"unsupported MCP-Protocol-Version; supported: {', '.join(revisions)}")
        else:
            self.read_message(body)

    def read_message(self, body):
        try:
            message = json.loads(body)
        except ValueError:
            self.refuse(400, -32700, "the body is not JSON")
            return
        has_method = isinstance(message, dict) and isinstance(message.get("method"), str)
        is_message = (
            isinstance(message, dict)
            and message.get("jsonrpc") == "2.0"
            and isinstance(message.get("params", {}), dict)
            and ("id" not in message or is_id(message["id"]))
            and (has_method or isinstance(message.get("result", message.get("error")), dict) and "id" in message)
        )
        if not is_message:
            self.refuse(400, -32600, "the body must be one JSON-RPC message")
        elif has_method and "id" in message:
            self.on_request(message["id"], message["method"], message.get("params", {}))
        else:
            self.on_notification(message.get("method"), message.get("params", {}))

    def do_DELETE(self):
        if self.is_allowed():
            self.on_delete()

    def on_delete(self):
        self.only_post()

    def on_notification(self, _method, _params):
        self.answer(202, b"")

    def only_post(self):
        if self.is_allowed():
            self.refuse(405, -32600, "the HTTP method here is POST", {"Allow": "POST"})

    do_GET = do_PUT = do_PATCH = only_post

    def is_allowed(self):
        """Whether the path is right and no page of another site sends this request. If not, it has been refused."""
        if urlsplit(self.path).path != "/mcp":
            self.answer(404, b"")
            return False
        asked = [f"http://{self.headers.get('Host')}", self.headers.get("Origin", "http://localhost")]
        if all(is_local(url) for url in asked):
            return True
        self.refuse(403, -32600, "the headers Host and Origin must name this machine")
        return False

    def respond(self, request_id, result, headers={}):
        self.answer_json(200, {"jsonrpc": "2.0", "id": request_id, "result": result}, headers)

    def fail(self, request_id, failed):
        self.answer_json(200, {"jsonrpc": "2.0", "id": request_id, "error": failed.error})

    def refuse(self, status, code, message, headers={}):
        self.answer_json(status, {"jsonrpc": "2.0", "id": None, "error": Failed(code, message).error}, headers)

    def answer_json(self, status, message, headers={}):
        self.answer(status, json.dumps(message).encode(), {"Content-Type": "application/json", **headers})

    def answer(self, status, body, headers={}):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def begin_event_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache, no-transform")
        self.send_header("X-Accel-Buffering", "no")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_event(self, message):
        self.chunk(f"data: {json.dumps({'jsonrpc': '2.0', **message})}\n\n".encode())

    def end_event_stream(self):
        self.chunk(b"")

    def chunk(self, data):
        try:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        except ConnectionError:
            self.close_connection = True  # the client has left, which is no error of the server

    def log_message(self, *_args):
        pass


def accepts(header, kind):
    main = kind.split("/")[0]
    return header == "" or any(
        part.split(";")[0].strip().lower() in (kind, f"{main}/*", "*/*") for part in header.split(",")
    )


def is_local(url):
    try:
        return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    except ValueError:
        return False


class Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def serve(handler):
    Server(("127.0.0.1", int(os.environ.get("PORT", "3000"))), handler).serve_forever()
