"""Row keys made before the insert, because an encrypted field is bound to its row's key."""

import secrets
import time
import uuid


def uuid7() -> uuid.UUID:
    """A new time-ordered UUID (RFC 9562, version 7): inserts stay at the end of their index."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= secrets.randbits(12) << 64
    value |= 0b10 << 62
    value |= secrets.randbits(62)
    return uuid.UUID(int=value)
