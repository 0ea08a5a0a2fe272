"""A sound and a picture for the demo, made by arithmetic: nobody's voice, nobody's card."""

import array
import io
import math
import struct
import sys
import wave
import zlib

RATE = 8_000
SECONDS_A_WORD = 0.35


def seconds_of(words: str) -> int:
    """How long words take on a voicemail."""
    return max(1, math.ceil(len(words.split()) * SECONDS_A_WORD))


def murmur(words: str) -> bytes:
    """A tone for each word, swelling and falling, as a WAV file."""
    said = words.split() or ["."]
    each = RATE * seconds_of(words) // len(said)
    samples = array.array("h")
    for word in said:
        pitch = 110 + sum(map(ord, word)) % 70
        for at in range(each):
            swell = math.sin(math.pi * at / each) ** 2
            samples.append(int(6_000 * swell * math.sin(2 * math.pi * pitch * at / RATE)))
    if sys.byteorder == "big":
        samples.byteswap()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def card(width: int = 240, height: int = 150) -> bytes:
    """An insurance card without anything on it that could be read, as PNG."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            stripe, line = 24 <= y < 46, 20 <= x < 150 and 70 <= y < 120 and y % 16 < 5
            rows += bytes((32, 98, 110) if stripe else (70, 84, 90) if line else (240, 246, 246))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, parts))


def _chunk(part: tuple[bytes, bytes]) -> bytes:
    kind, data = part
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
