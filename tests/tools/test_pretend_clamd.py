"""The pretend virus scanner answers as clamd does."""

import socket
import struct

import pytest

from tools.pretend_clamd import Clamd
from tools.pretend_supplier.pictures import ENCLOSURES


def ask(scanner: Clamd, said: bytes) -> bytes:
    host, _, port = scanner.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(said)
        line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(4096), b""))


def stream(content: bytes, size: int) -> bytes:
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    return b"".join(struct.pack("!L", len(part)) + part for part in [*parts, b""])


@pytest.mark.parametrize(("said", "answer"), [(b"zPING\0", b"PONG\0"), (b"nPING\n", b"PONG\n")])
def test_it_is_there(said: bytes, answer: bytes) -> None:
    with Clamd() as scanner:
        assert ask(scanner, said) == answer


@pytest.mark.parametrize("size", [7, 100_000])
def test_it_finds_the_test_virus_across_parts(size: int) -> None:
    with Clamd() as scanner:
        bad = b"before " + ENCLOSURES["eicar"].content + b" after"
        assert ask(scanner, b"zINSTREAM\0" + stream(bad, size)).endswith(b" FOUND\0")
        for name in ("png", "jpeg", "pdf", "wrong"):
            good = ENCLOSURES[name].content
            assert ask(scanner, b"zINSTREAM\0" + stream(good, size)) == b"stream: OK\0"
        assert ask(scanner, b"zINSTREAM\0" + stream(b"", size)) == b"stream: OK\0"
