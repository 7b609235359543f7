# The server of lesson 8 in Python, with nothing but its standard library. It asks the grader for its tools, as
# docs/any-language.md describes.
import json
import os
import socket
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), ".."))
from mcp_http import Failed, Handler, revisions, serve  # noqa: E402
from work_clock import work  # noqa: E402

process_files = {
    "name": "process_files",
    "description": "Processes the documents one after the other",
    "inputSchema": {
        "type": "object",
        "properties": {"message": {"type": "string", "description": "what to say when all is done"}},
        "required": ["message"],
    },
}


def ask_tools(request):
    """The last message of the grader's tools on this request. Before it there may be log messages, which are dropped."""
    address = os.environ.get("TOOLS")
    if not address:
        return {"tools": [], "unknown": True}
    host, port = address.split(":")
    with socket.create_connection((host, int(port))) as tools:
        tools.sendall(json.dumps({"call": 1, **request}).encode() + b"\n")
        for line in tools.makefile("rb"):
            answer = json.loads(line)
            if "log" not in answer and "progress" not in answer:
                return answer
    return {"failed": "the tools have gone"}


def failure(text):
    return {"content": [{"type": "text", "text": text}], "isError": True}


def is_result(value):
    content = value.get("content") if isinstance(value, dict) else None
    return isinstance(content, list) and all(
        isinstance(block, dict) and isinstance(block.get("type"), str) for block in content
    )


def initialize(params):
    info = params.get("clientInfo")
    proposed = params.get("protocolVersion")
    is_right = (
        isinstance(proposed, str)
        and isinstance(params.get("capabilities"), dict)
        and isinstance(info, dict)
        and all(isinstance(info.get(member), str) for member in ("name", "version"))
    )
    if not is_right:
        raise Failed(-32602, "protocolVersion, capabilities and clientInfo are required")
    return {
        "protocolVersion": proposed if proposed in revisions else revisions[0],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "chunk-by-chunk", "version": "1.0.0"},
    }


def call_tool(params):
    name, arguments = params.get("name"), params.get("arguments", {})
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise Failed(-32602, "a call has a name, and its arguments are an object")
    if name == process_files["name"]:
        return run_process_files(arguments)
    answer = ask_tools({"tool": name, "arguments": arguments})
    if "unknown" in answer:
        raise Failed(-32602, f"Unknown tool: {name}")
    if "invalid" in answer or "failed" in answer:
        return failure(answer.get("invalid", answer.get("failed")))
    result = answer.get("result")
    return result if is_result(result) else failure("the tool has returned something that is not a result")


def run_process_files(arguments):
    if not isinstance(arguments.get("message"), str):
        return failure("message must be a string")
    try:
        for document in ("minutes.txt", "invoice.txt", "letter.txt"):
            work(document)
    except RuntimeError as error:
        return failure(str(error))
    return {"content": [{"type": "text", "text": f"Done: {arguments['message']}"}]}


methods = {
    "ping": lambda _params: {},
    "initialize": initialize,
    "tools/list": lambda _params: {"tools": [process_files, *ask_tools({"list": True})["tools"]]},
    "tools/call": call_tool,
}


class Tools(Handler):
    def on_request(self, request_id, method, params):
        try:
            if method not in methods:
                raise Failed(-32601, f"unknown method: {method}")
            self.respond(request_id, methods[method](params))
        except Failed as failed:
            self.fail(request_id, failed)


serve(Tools)
