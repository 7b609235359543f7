# The server of the capstone in Python, with nothing but its standard library: a thread for each call, and a session for each
# client.
import json
import os
import re
import sys
import threading
import uuid

sys.path.append(os.path.join(os.path.dirname(__file__), ".."))
from mcp_http import Failed, Handler, is_id, revisions, serve  # noqa: E402
from work_clock import work  # noqa: E402

here = os.path.dirname(os.path.abspath(__file__))
folder = os.path.abspath(os.environ.get("DOCUMENTS", os.path.join(here, "../../../lessons/support/documents")))
levels = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]


class Session:
    def __init__(self):
        self.level = "info"
        # For each id of a call that is running, what says that it was cancelled.
        self.calls = {}


sessions = {}


def listed(**members):
    """A list of objects with these members, as JSON Schema."""
    items = {"type": "object", "properties": members, "required": list(members)}
    return {"type": "array", "items": items}


text = {"type": "string"}
names = {"type": "array", "items": text}
tool = {
    "name": "process_documents",
    "description": "Counts the words of documents, finds the longest sentences, and makes an index",
    "inputSchema": {"type": "object", "properties": {"documents": names}, "required": ["documents"]},
    "outputSchema": {
        "type": "object",
        "properties": {
            "documents": listed(name=text, words={"type": "integer"}, longestSentence=text),
            "failed": listed(name=text, reason=text),
            "index": {"type": "object", "additionalProperties": names},
        },
        "required": ["documents", "failed", "index"],
    },
}


def read(name):
    path = os.path.abspath(os.path.join(folder, name))
    if os.path.dirname(path) != folder:
        raise ValueError("the name leads out of the folder")
    with open(path, "rb") as file:
        data = file.read()
    if data.startswith(b"\xff\xfe"):
        return data[2:].decode("utf-16-le", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def longest_sentence(words):
    longest, sentence = [], []
    for word in words:
        sentence.append(word)
        if len(sentence) > len(longest):
            longest = sentence
        if word[-1] in ".!?":
            sentence = []
    return " ".join(longest)


def process(documents, cancelled, report, log):
    # In Python a dict has no entries but those that were added, whatever the words are.
    result = {"documents": [], "failed": [], "index": {}}
    for done, name in enumerate(documents):
        report(done, f"Processing {name}")
        try:
            work(f"document {name}")
            if cancelled.is_set():
                return None
            words = read(name).split()
        except (OSError, ValueError, RuntimeError) as error:
            if cancelled.is_set():
                return None
            reason = getattr(error, "strerror", None) or str(error)
            result["failed"].append({"name": name, "reason": reason})
            log("error", f"{name}: {reason}")
            continue
        result["documents"].append({"name": name, "words": len(words), "longestSentence": longest_sentence(words)})
        for word in words:
            term = re.sub(r"^\W+|\W+$", "", word.lower())
            entry = result["index"].setdefault(term, []) if term else [name]
            if name not in entry:
                entry.append(name)
        log("info", f"{name}: {len(words)} words")
    report(len(documents), "Processing complete!")
    return result


class Documents(Handler):
    def on_request(self, request_id, method, params):
        session = Session() if method == "initialize" else self.session()
        if not session:
            return
        try:
            if method == "tools/call":
                self.call_tool(request_id, params, session)
            elif method == "initialize":
                result = self.initialize(params)
                session_id = str(uuid.uuid4())
                sessions[session_id] = session
                self.respond(request_id, result, {"MCP-Session-Id": session_id})
            elif method == "tools/list":
                self.respond(request_id, {"tools": [tool]})
            elif method == "ping":
                self.respond(request_id, {})
            elif method == "logging/setLevel":
                if params.get("level") not in levels:
                    raise Failed(-32602, f"level must be one of {', '.join(levels)}")
                session.level = params["level"]
                self.respond(request_id, {})
            else:
                raise Failed(-32601, f"unknown method: {method}")
        except Failed as failed:
            self.fail(request_id, failed)

    def initialize(self, params):
        proposed = params.get("protocolVersion")
        if not isinstance(proposed, str):
            raise Failed(-32602, "protocolVersion must be a string")
        return {
            "protocolVersion": proposed if proposed in revisions else revisions[0],
            "capabilities": {"tools": {}, "logging": {}},
            "serverInfo": {"name": "documents", "version": "1.0.0"},
        }

    def call_tool(self, request_id, params, session):
        arguments = params.get("arguments")
        documents = arguments.get("documents") if isinstance(arguments, dict) else None
        if params.get("name") != tool["name"]:
            raise Failed(-32602, "there is no such tool")
        if not isinstance(documents, list) or not all(isinstance(name, str) for name in documents):
            raise Failed(-32602, "documents must be a list of strings")
        token = params.get("_meta", {}).get("progressToken")

        def report(progress, message):
            if is_id(token):
                known = {"progressToken": token, "progress": progress, "total": len(documents), "message": message}
                self.send_event({"method": "notifications/progress", "params": known})

        def log(level, data):
            if levels.index(level) >= levels.index(session.level):
                known = {"level": level, "logger": tool["name"], "data": data}
                self.send_event({"method": "notifications/message", "params": known})

        cancelled = session.calls[request_id] = threading.Event()
        self.begin_event_stream()
        try:
            result = process(documents, cancelled, report, log)
        finally:
            del session.calls[request_id]
        if result is not None:
            content = [{"type": "text", "text": json.dumps(result)}]
            self.send_event({"id": request_id, "result": {"content": content, "structuredContent": result}})
        self.end_event_stream()

    def on_notification(self, method, params):
        session = self.session()
        if not session:
            return
        if method == "notifications/cancelled" and params.get("requestId") in session.calls:
            session.calls[params["requestId"]].set()
        self.answer(202, b"")

    def on_delete(self):
        if self.session():
            sessions.pop(self.headers["MCP-Session-Id"], None)
            self.answer(204, b"")

    def session(self):
        """The session that the header MCP-Session-Id names. Without one, the request has been refused."""
        session_id = self.headers.get("MCP-Session-Id")
        if session_id is None:
            self.refuse(400, -32600, "the header MCP-Session-Id is missing")
        elif session_id not in sessions:
            self.refuse(404, -32600, "there is no such session")
        return sessions.get(session_id)


serve(Documents)
