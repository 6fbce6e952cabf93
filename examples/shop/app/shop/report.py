"""A report service that reads all its rows before it adds them up: its memory grows with its input.

One process and the standard library alone, so that the container dies when it runs out of memory, and
nothing inside restarts a part of it.
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROW_BYTES = 1024 * 1024


class Report(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/healthz":
            self._answer({"ok": True})
        elif self.path == "/report":
            self._answer({"bytes": build(int(os.environ.get("REPORT_MEGABYTES", "160")))})
        else:
            self.send_error(404)

    def _answer(self, document):
        body = json.dumps(document).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        if self.path != "/healthz":
            print(format % args, flush=True)


def build(megabytes: int) -> int:
    """Every row is written to, so that the kernel has to find a page for it."""
    rows = [bytes([number % 255 + 1]) * ROW_BYTES for number in range(megabytes)]
    return sum(len(row) for row in rows)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), Report).serve_forever()


if __name__ == "__main__":
    main()
