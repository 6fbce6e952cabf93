"""gRPC's health protocol in the few HTTP/2 frames that it takes. Of the services named in /kept/serving it says SERVING, of
others that it knows none of the kind. /kept/asked has a line for each question.
"""

import socketserver
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING = 0x0, 0x1, 0x4, 0x6
END_STREAM, ACK, END_HEADERS = 0x1, 0x1, 0x4
OK, NOT_FOUND = b"0", b"5"


def literal(name, value):
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


class Health(socketserver.StreamRequestHandler):
    def handle(self):
        if self.rfile.read(len(PREFACE)) != PREFACE:
            return
        self.send(SETTINGS, 0, 0)
        while header := self.rfile.read(9):
            length, kind, flags = int.from_bytes(header[:3], "big"), header[3], header[4]
            stream = struct.unpack(">I", header[5:])[0]
            payload = self.rfile.read(length)
            if kind in (SETTINGS, PING) and not flags & ACK:
                self.send(kind, ACK, 0, payload if kind == PING else b"")
            elif kind == DATA and flags & END_STREAM:
                # Five bytes before the message; in it a field of one text, whose length is its second byte.
                self.answer(stream, payload[7:].decode())

    def answer(self, stream, service):
        with open("/kept/asked", "a") as asked:
            print(service, file=asked)
        try:
            serving = service in open("/kept/serving").read().split()
        except FileNotFoundError:
            serving = False
        self.send(HEADERS, END_HEADERS, stream, b"\x88" + literal(b"content-type", b"application/grpc"))
        if serving:
            self.send(DATA, 0, stream, b"\x00\x00\x00\x00\x02\x08\x01")
        status = literal(b"grpc-status", OK if serving else NOT_FOUND)
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, status)

    def send(self, kind, flags, stream, payload=b""):
        head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream)
        self.wfile.write(head + payload)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("", 9000), Health).serve_forever()
