"""Asks the virus scanner (clamd) about a file, by its own protocol over a socket."""

import socket
import struct
from dataclasses import dataclass

from django.conf import settings

CHUNK = 64 * 1024
SECONDS = 30.0


class ScannerAway(Exception):
    """No scanner is configured, or it does not answer: what is in quarantine stays there."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the scanner said: clean, or the name of what it found."""

    clean: bool
    found: str = ""


def scan(content: bytes) -> Verdict:
    """Sends the bytes to the scanner (INSTREAM); raises ScannerAway for any answer that is not plain."""
    address = str(settings.CLAMD_ADDRESS)
    if not address:
        raise ScannerAway("no scanner is configured")
    try:
        with _connect(address) as line:
            line.sendall(b"zINSTREAM\0")
            for start in range(0, len(content), CHUNK):
                part = content[start : start + CHUNK]
                line.sendall(struct.pack("!L", len(part)) + part)
            line.sendall(struct.pack("!L", 0))
            said = _answer(line)
    except OSError as error:
        raise ScannerAway("the scanner does not answer") from error
    words = said.strip("\0\r\n ").removeprefix("stream: ")
    if words == "OK":
        return Verdict(clean=True)
    if words.endswith(" FOUND"):
        return Verdict(clean=False, found=words.removesuffix(" FOUND")[:60])
    raise ScannerAway("the scanner could not judge")


def _connect(address: str) -> socket.socket:
    """To `host:port`, or to a socket's path."""
    if address.startswith("/"):
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(SECONDS)
        try:
            line.connect(address)
        except OSError:
            line.close()
            raise
        return line
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=SECONDS)


def _answer(line: socket.socket) -> str:
    said = b""
    while len(said) < 4096:
        part = line.recv(4096)
        said += part
        if not part or b"\0" in part:
            break
    return said.decode("utf-8", "replace")
