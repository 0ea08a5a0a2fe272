"""Short sounds made by arithmetic: a murmur with a syllable for each piece of a word, as WAV and as MP3."""

from __future__ import annotations

import array
import io
import math
import sys
import wave

RATE = 8_000
MOST_SECONDS = 20
MP3_HEADER = bytes((0xFF, 0xFB, 0x50, 0xC4))  # MPEG 1, layer III, 64 kbit/s, 44.1 kHz, one channel
MP3_FRAME = 208  # bytes of a frame with this header
MP3_FRAME_SECONDS = 1152 / 44_100


def seconds_of(words: str) -> int:
    """Return how long words take to be spoken."""
    return min(MOST_SECONDS, max(1, math.ceil(len(words.split()) * 0.4)))


def pitches(words: str) -> list[int]:
    """Return a pitch for each syllable; a gap between words is a pitch of nought."""
    found: list[int] = []
    for word in words.split() or ["."]:
        found += [110 + sum(map(ord, word[at : at + 3])) % 70 for at in range(0, len(word), 3)]
        found.append(0)
    return found


def wav(words: str, seconds: int) -> bytes:
    """Return the murmur of some words as a WAV file."""
    tune = pitches(words)
    total = RATE * max(1, min(seconds, MOST_SECONDS))
    samples = array.array("h")
    each = max(1, total // len(tune))
    for at in range(total):
        pitch = tune[min(at // each, len(tune) - 1)]
        swell = math.sin(math.pi * (at % each) / each)
        turn = 2 * math.pi * pitch * at / RATE
        samples.append(int(5_000 * swell * (math.sin(turn) + 0.5 * math.sin(2 * turn))) if pitch else 0)
    if sys.byteorder == "big":
        samples.byteswap()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def mp3(words: str, seconds: int) -> bytes:
    """Return the murmur as an MP3 file: each frame holds one tone, or silence."""
    tune = pitches(words)
    frames = max(1, round(max(1, min(seconds, MOST_SECONDS)) / MP3_FRAME_SECONDS))
    found = []
    for at in range(frames):
        pitch = tune[at * len(tune) // frames]
        found.append(frame(max(3, pitch // 12) if pitch else 0))
    return b"".join(found)


def frame(line: int) -> bytes:
    """Return one frame with a tone on one line of its spectrum; line nought is silence.

    The two granules say: no scale factors, big values by Huffman table 1, whose pairs are 1 for (0, 0) and
    01 with a sign for (1, 0).
    """
    pairs = line + 1 if line else 0
    main = ("1" * line + "01" + "0") if line else ""
    granule = (
        f"{len(main):012b}{pairs:09b}{195 if line else 0:08b}{0:04b}0"
        + f"{1:05b}" * 3
        + f"{15:04b}{7:03b}000"
    )
    side = f"{0:09b}{0:05b}{0:04b}" + granule * 2
    bits = (side + main * 2).ljust((MP3_FRAME - 4) * 8, "0")
    return MP3_HEADER + int(bits, 2).to_bytes(MP3_FRAME - 4, "big")
