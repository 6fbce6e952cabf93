"""Answers probes with the codes of CODES, one after the other from when /kept/go is there, then with 200; only in its first
life. /kept/asked has a line for each: when, what was asked, how it was answered.
"""

import http.server
import os
import time


def note(*words):
    with open("/kept/asked", "a") as told:
        print(time.time_ns(), *words, file=told)


codes = [] if os.path.exists("/kept/asked") else [int(code) for code in os.environ["CODES"].split()]
note("begun")


class Asked(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        code = codes.pop(0) if codes and os.path.exists("/kept/go") else 200
        agent = self.headers["User-Agent"].split("/")[0]
        note(self.path, self.headers["X-Probe"], agent, self.headers["Accept"], code)
        self.send_response(code)
        self.end_headers()


http.server.ThreadingHTTPServer(("", 8000), Asked).serve_forever()
