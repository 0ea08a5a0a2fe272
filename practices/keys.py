"""Row keys made before the insert, because an encrypted field is bound to its row's key."""

import secrets
import threading
import time
import uuid

_COUNTER_BITS = 12
_SETBACK = 1000  # a clock that is put back by so many milliseconds at most, or stands still, changes no order
_lock = threading.Lock()
_last = (0, 0)  # the millisecond of the last key, and its counter


def uuid7() -> uuid.UUID:
    """A new time-ordered UUID (RFC 9562, version 7): inserts stay at the end of their index.

    Keys that a process makes within one millisecond keep the order in which they were made (section 6.2,
    method 1): what was written first is listed first.
    """
    global _last
    milliseconds = time.time_ns() // 1_000_000
    with _lock:
        before, counter = _last
        if before - _SETBACK <= milliseconds <= before:
            milliseconds, counter = before, counter + 1
            if counter >> _COUNTER_BITS:
                milliseconds, counter = milliseconds + 1, 0
        else:
            counter = secrets.randbits(_COUNTER_BITS - 1)  # half of the room is left to count in
        _last = (milliseconds, counter)
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= counter << 64
    value |= 0b10 << 62
    value |= secrets.randbits(62)
    return uuid.UUID(int=value)
