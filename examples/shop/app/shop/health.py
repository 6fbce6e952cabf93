"""A gRPC health service (`grpc.health.v1.Health/Check`) without a gRPC library: the few HTTP/2 frames that it takes.

Answers SERVING, or NOT_SERVING while the file named by `UNHEALTHY_FILE` exists, to whatever service is asked for.
"""

import os
import signal
import socketserver
import struct
import sys

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING = 0x0, 0x1, 0x4, 0x6
END_STREAM, ACK, END_HEADERS = 0x1, 0x1, 0x4
SERVING, NOT_SERVING = 1, 2


def literal(name: bytes, value: bytes) -> bytes:
    """A header as HPACK writes one that it neither knows nor keeps; lengths stay below 127 here."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


ANSWER_HEADERS = b"\x88" + literal(b"content-type", b"application/grpc")  # 0x88 is ":status: 200"
TRAILERS = literal(b"grpc-status", b"0")


class Health(socketserver.StreamRequestHandler):
    def handle(self):
        if self.rfile.read(len(PREFACE)) != PREFACE:
            return
        self._send(SETTINGS, 0, 0)
        while header := self.rfile.read(9):
            length = int.from_bytes(header[:3], "big")
            kind, flags, stream = header[3], header[4], struct.unpack(">I", header[5:])[0]
            payload = self.rfile.read(length)
            if kind in (SETTINGS, PING) and not flags & ACK:
                self._send(kind, ACK, 0, payload if kind == PING else b"")
            elif kind in (DATA, HEADERS) and flags & END_STREAM:
                self._answer(stream)

    def _answer(self, stream: int):
        status = NOT_SERVING if os.path.exists(os.environ.get("UNHEALTHY_FILE", "/tmp/unhealthy")) else SERVING
        message = bytes([0x08, status])  # field 1, a number
        self._send(HEADERS, END_HEADERS, stream, ANSWER_HEADERS)
        self._send(DATA, 0, stream, b"\x00" + struct.pack(">I", len(message)) + message)
        self._send(HEADERS, END_HEADERS | END_STREAM, stream, TRAILERS)

    def _send(self, kind: int, flags: int, stream: int, payload: bytes = b""):
        self.wfile.write(len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Server(("", int(os.environ.get("PORT", "50051"))), Health).serve_forever()


if __name__ == "__main__":
    main()
