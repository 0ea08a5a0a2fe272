"""What a phone or a mail can carry: a picture, a document, and two that must be refused."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass

# The test file that every virus scanner knows, in two pieces so that this file is not taken for it.
EICAR = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}" + "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()
# One point; a JPEG cannot be written in a few lines.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////"
    "////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAI"
    "AQEAAD8AR//Z"
)


@dataclass(frozen=True)
class Enclosure:
    """Something that can be sent along."""

    words: str
    name: str
    declared: str

    @property
    def content(self) -> bytes:
        """Return its bytes."""
        return CONTENT[self.name]


def png(width: int = 240, height: int = 160) -> bytes:
    """Return a small picture: an insurance card as somebody might draw it."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            edge = x < 4 or y < 4 or x >= width - 4 or y >= height - 4
            stripe = 28 <= y < 52
            text = 20 <= x < 150 and y in range(80, 140, 20)
            rows += bytes((91, 75, 196) if edge or stripe else (60, 56, 80) if text else (244, 241, 250))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def pdf(words: str = "Referral letter, an invented page") -> bytes:
    """Return a document of one page."""
    stream = f"BT /F1 18 Tf 72 720 Td ({words}) Tj ET".encode("ascii")
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, part)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, start)
    return bytes(out)


CONTENT = {
    "card.png": png(),
    "photo.jpg": JPEG,
    "letter.pdf": pdf(),
    "eicar.png": EICAR,
    "page.png": b"<!doctype html><script>alert(1)</script>",
}
ENCLOSURES = {
    "png": Enclosure("Picture of a card (PNG)", "card.png", "image/png"),
    "jpeg": Enclosure("Photo (JPEG)", "photo.jpg", "image/jpeg"),
    "pdf": Enclosure("Letter (PDF)", "letter.pdf", "application/pdf"),
    "eicar": Enclosure("Virus test file that says PNG", "eicar.png", "image/png"),
    "wrong": Enclosure("Web page that says PNG", "page.png", "image/png"),
}
