"""A pretend virus scanner for the demo and the tests: clamd's protocol, and one virus it knows.

It speaks PING, VERSION and INSTREAM in their ``z`` and ``n`` forms, and finds the EICAR test string.
"""

from __future__ import annotations

import argparse
import signal
import socketserver
import struct
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tools.pretend_supplier.pictures import EICAR

LONGEST_WORD = 64
LONGEST_STREAM = 64 * 1024 * 1024
FOUND = b"stream: Win.Test.EICAR_HDB-1 FOUND"
TOO_LARGE = b"INSTREAM size limit exceeded. ERROR"


class Scan(socketserver.StreamRequestHandler):
    """One connection with one command, as most clients use it."""

    timeout = 30

    def handle(self) -> None:
        """Answer the command, ended as it came: by a zero byte or by a line's end."""
        end = {b"z": b"\0", b"n": b"\n"}.get(self.rfile.peek(1)[:1], b"\n")  # type: ignore[attr-defined]
        word = b""
        while len(word) < LONGEST_WORD and (letter := self.rfile.read(1)) not in (end, b""):
            word += letter
        self.wfile.write(self.answer(word.strip()) + end)

    def answer(self, word: bytes) -> bytes:
        """Return what a command is answered with."""
        command = word[1:] if word[:1] in (b"z", b"n") else word
        if command == b"PING":
            return b"PONG"
        if command == b"VERSION":
            return b"ClamAV 0.0.0/pretend"
        return self.scan() if command == b"INSTREAM" else b"UNKNOWN COMMAND"

    def scan(self) -> bytes:
        """Read the parts of a stream to its empty part and judge the whole."""
        content = bytearray()
        while True:
            head = self.rfile.read(4)
            size = int(struct.unpack("!L", head)[0]) if len(head) == 4 else 0
            if size == 0:
                return FOUND if EICAR in content else b"stream: OK"
            if len(content) + size > LONGEST_STREAM:
                return TOO_LARGE
            content += self.rfile.read(size)


class Clamd(socketserver.ThreadingTCPServer):
    """Listens on this machine only; use it in a ``with``, or start and stop it."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Scan)

    @property
    def address(self) -> str:
        """Return where it listens, as CLAMD_ADDRESS wants it."""
        return f"127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        """Answer from another thread."""
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Close the port."""
        self.shutdown()
        self.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal ends it."""
    parser = argparse.ArgumentParser(prog="pretend_clamd", description=__doc__)
    parser.add_argument("--port", type=int, default=3310)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    with Clamd(parser.parse_args(arguments).port) as scanner:
        print(f"The pretend virus scanner listens on {scanner.address}", flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
