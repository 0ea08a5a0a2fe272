"""Processes by number: what they are, and making sure that they are gone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path


def identity(number: int) -> str:
    """What tells a process from a later one with the same number; empty when it is not running."""
    stat = Path(f"/proc/{number}/stat")
    if Path("/proc/self/stat").exists():
        with contextlib.suppress(OSError):
            # The name in brackets may hold spaces; behind it come the state and, as the 20th, the start time.
            fields = stat.read_text().rpartition(")")[2].split()
            return "" if fields[0] == "Z" else fields[19]
        return ""
    answer = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(number)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()


def remember(numbers: list[int]) -> dict[str, str]:
    """Process numbers with their identities, as they are kept in a file."""
    return {str(number): identity(number) for number in numbers}


def stop_remembered(remembered: dict[str, str], seconds: float = 10.0) -> int:
    """Stop those of the remembered processes that still are the same ones; returns how many ran."""
    same = [int(n) for n, known in remembered.items() if known and identity(int(n)) == known]
    for number in same:
        # SIGINT is Postgres' clean shutdown, and a request to stop for everything else we start.
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGINT)
    deadline = time.monotonic() + seconds
    while any(identity(number) for number in same) and time.monotonic() < deadline:
        time.sleep(0.05)
    for number in same:
        end_group(number)
    return len(same)


def end_group(number: int) -> None:
    """Kill what is left of a process and the children in its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(number, signal.SIGKILL)
