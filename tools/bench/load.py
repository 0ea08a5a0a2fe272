"""Clients that ask a server over and over, each on a connection it keeps, and how long they waited."""

from __future__ import annotations

import http.client
import os
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tools.places import Trouble


@dataclass(frozen=True)
class Ask:
    """One request, and the status that is right."""

    path: str
    method: str = "GET"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    good: tuple[int, ...] = (200,)


@dataclass
class Waited:
    """Milliseconds of each request, and what was answered."""

    each: list[float]
    seconds: float
    answers: Counter[int]
    work: float | None = None  # CPU milliseconds of the server's processes for each request, where known

    @property
    def median(self) -> float:
        return statistics.median(self.each)

    @property
    def p95(self) -> float:
        return sorted(self.each)[max(round(len(self.each) * 0.95) - 1, 0)]

    @property
    def slowest(self) -> float:
        return max(self.each)

    @property
    def per_second(self) -> float:
        return len(self.each) / self.seconds


def ask_all(port: int, asks: Iterable[Ask], clients: int = 1) -> Waited:
    """Has `clients` threads share the requests; raises Trouble when an answer is not a good one."""
    waiting, lock = iter(asks), threading.Lock()
    each: list[float] = []
    answers: Counter[int] = Counter()
    wrong: list[str] = []

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for ask in _shared(waiting, lock):
            started = time.perf_counter()
            connection.request(ask.method, ask.path, ask.body or None, dict(ask.headers))
            response = connection.getresponse()
            text = response.read()
            each.append((time.perf_counter() - started) * 1000)
            answers[response.status] += 1
            if response.status not in ask.good:
                wrong.append(f"{ask.method} {ask.path}: {response.status} {text[:300]!r}")
                break
        connection.close()

    seconds = in_threads(client, clients)
    if wrong or not each:
        raise Trouble("The bench got a wrong answer. " + (wrong[0] if wrong else "No answer at all."))
    return Waited(each, seconds, answers)


def cpu_seconds(parent: int) -> float | None:
    """CPU time of a process and its children so far; None where there is no /proc."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            # The name in brackets may hold spaces; behind it: state, parent, … user and system time.
            fields = stat.read_text().rpartition(")")[2].split()
            if int(stat.parent.name) == parent or int(fields[1]) == parent:
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK") if ticks else None


def _shared(waiting: Iterator[Ask], lock: threading.Lock) -> Iterator[Ask]:
    while True:
        with lock:
            ask = next(waiting, None)
        if ask is None:
            return
        yield ask


def in_threads(work: Callable[[], None], count: int) -> float:
    """Runs the same work in so many threads and returns the seconds until the last one ended."""
    threads = [threading.Thread(target=work) for _ in range(count)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def timed(work: Callable[[], object], times: int) -> Waited:
    """Milliseconds of a call in this process, after three to warm up."""
    for _ in range(3):
        work()
    each = []
    began = time.perf_counter()
    for _ in range(times):
        started = time.perf_counter()
        work()
        each.append((time.perf_counter() - started) * 1000)
    return Waited(each, time.perf_counter() - began, Counter())
