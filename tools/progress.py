"""A live line with seconds for each long step, so that nobody wonders whether it hangs."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

HEARTBEAT_SECONDS = 10.0


class Step:
    """One step being shown: `note` is the small print behind it, `failed` its mark at the end."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.note = ""
        self.failed = False
        self.started = time.monotonic()

    def seconds(self) -> float:
        return time.monotonic() - self.started

    def line(self, mark: str) -> str:
        note = f"  {self.note}" if self.note else ""
        return f"  {mark} {self.name:<34} {self.seconds():6.1f} s{note}"[:118]


def _show(step: Step, stop: threading.Event) -> None:
    live = sys.stdout.isatty()
    pause = 0.2 if live else HEARTBEAT_SECONDS
    while not stop.wait(pause):
        # A log file gets a line every ten seconds; a terminal one line that is written over.
        print(f"\r\x1b[2K{step.line('…')}" if live else step.line("…"), end="" if live else "\n", flush=True)


@contextmanager
def step(name: str) -> Iterator[Step]:
    """Show a step while its block runs, then leave one line with how it ended and its seconds."""
    shown = Step(name)
    stop = threading.Event()
    thread = threading.Thread(target=_show, args=(shown, stop), daemon=True)
    thread.start()
    mark = "✗"
    try:
        yield shown
        mark = "✗" if shown.failed else "✓"
    finally:
        stop.set()
        thread.join()
        start = "\r\x1b[2K" if sys.stdout.isatty() else ""
        print(f"{start}{shown.line(mark)}", flush=True)
