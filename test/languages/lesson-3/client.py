# The client of lesson 3 in Python, with nothing but its standard library.
import codecs
import os
import re
import sys
import urllib.error
import urllib.request

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000/calculate?a=7&b=5&op=mul"
longest_event = int(os.environ.get("LONGEST_EVENT", str(16 * 1024**2)))


class Reader:
    """Reads an event stream piece by piece, and calls dispatch for each event."""

    def __init__(self, dispatch):
        self.dispatch = dispatch
        self.type, self.data = "", []
        self.pieces, self.length, self.after_return = [], 0, False

    def read(self, text):
        if text == "":
            return
        if self.after_return and text.startswith("\n"):
            rest, text = "", text[1:]
        self.after_return = text.endswith("\r") if text else False
        rest, *starts = re.split(r"\r\n|\r|\n", text)
        self.keep(rest)
        for start in starts:
            line = "".join(self.pieces)
            self.pieces = []
            if line == "":
                self.length = 0
            self.line(line)
            self.keep(start)

    def keep(self, text):
        self.pieces.append(text)
        self.length += len(text)
        if self.length > longest_event:
            raise ValueError(f"an event has more than {longest_event} characters")

    def line(self, line):
        if line == "":
            if self.data:
                self.dispatch(self.type or "message", "\n".join(self.data))
            self.type, self.data = "", []
            return
        field, _colon, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "event":
            self.type = value
        elif field == "data":
            self.data.append(value)


def show(event, data):
    # Into a pipe, Python collects what it prints: each event has to be flushed.
    print(f"{event}: {data}", flush=True)


def main():
    request = urllib.request.Request(url, headers={"Accept": "text/event-stream"})
    with urllib.request.urlopen(request) as response:
        content_type = response.headers.get("Content-Type", "")
        if content_type.split(";")[0].strip().lower() != "text/event-stream":
            raise ValueError(f"the server sent no event stream, but the Content-Type '{content_type}'")
        decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        reader = Reader(show)
        # read1 returns what is there; read would wait until the stream has ended.
        while piece := response.read1(65536):
            reader.read(decoder.decode(piece))


sys.stdout.reconfigure(encoding="utf-8", newline="\n")
try:
    main()
except urllib.error.HTTPError as error:
    sys.exit(f"{url}: the server answered {error.code} {error.reason}")
except Exception as error:  # whatever happens, one line says it
    sys.exit(f"{url}: {error or type(error).__name__}")
