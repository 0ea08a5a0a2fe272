"""Faults to order: seeded, counted, and told apart by whether the message was taken before the failure."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

KINDS = (
    "429",
    "500",
    "503",
    "500-after",
    "hang-before",
    "hang-after",
    "reset-before",
    "reset-after",
    "slow",
    "garbage",
)
# A text, a call, a command to a call or conference; reading lists, single things, media; or any of these.
REQUESTS = ("send", "call", "command", "list", "fetch", "media", "any")
DEFAULT_SECONDS = {"slow": 1.0, "hang-before": 30.0, "hang-after": 30.0, "429": 1.0}


class FaultError(ValueError):
    """An order for faults that cannot be understood."""


class DropConnection(Exception):
    """Asks the server to answer nothing: hold the connection, then close or reset it."""

    def __init__(self, seconds: float, reset: bool) -> None:
        super().__init__("the connection is dropped on purpose")
        self.seconds = seconds
        self.reset = reset


@dataclass
class Fault:
    """One kind of failure, either for the next ``times`` requests or for a share of all."""

    kind: str
    times: int = 0
    rate: float = 0.0
    to: str = ""
    on: str = "send"
    seconds: float = 0.0

    def fits(self, on: str, to: str) -> bool:
        """Return whether a request of this sort, to this number, may get the fault."""
        return self.on in (on, "any") and self.to in ("", to)


def read_fault(data: Any) -> Fault:
    """Make a fault from JSON; without ``times`` and ``rate`` it happens once."""
    if not isinstance(data, dict):
        raise FaultError("each fault is an object with a kind")
    kind = str(data.get("kind", ""))
    if kind not in KINDS:
        raise FaultError(f"unknown kind {kind!r}; known: {', '.join(KINDS)}")
    on = str(data.get("on", "send"))
    if on not in REQUESTS:
        raise FaultError(f"on is one of {', '.join(REQUESTS)}")
    try:
        rate = float(data.get("rate", 0))
        times = int(data.get("times", 0 if rate else 1))
        seconds = float(data.get("seconds", DEFAULT_SECONDS.get(kind, 0)))
    except (TypeError, ValueError) as error:
        raise FaultError("times, rate and seconds are numbers") from error
    if not (0 <= rate <= 1 and times >= 0 and 0 <= seconds <= 600):
        raise FaultError("rate is 0 to 1, times not negative, seconds at most 600")
    if kind.startswith("reset"):
        seconds = 0.0  # A reset comes at once; one list may give the same seconds to all its faults.
    return Fault(kind, times, rate, str(data.get("to") or ""), on, seconds)


class FaultPlan:
    """The faults in force; safe to ask from many threads, the same draws for the same seed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._random = random.Random(0)  # noqa: S311 — repeatable, not secret
        self._happened: Counter[str] = Counter()

    def order(self, data: Any) -> None:
        """Replace the plan by a list of faults, or by ``{"faults": [...], "seed": 1}``."""
        seed: Any = 0
        if isinstance(data, dict) and "faults" in data:
            seed, data = data.get("seed", 0), data["faults"]
        elif isinstance(data, dict):
            seed, data = data.get("seed", 0), [data]
        if not isinstance(data, list) or len(data) > 100:
            raise FaultError("send a list of at most 100 faults")
        if not isinstance(seed, int | str):
            raise FaultError("the seed is a number or a word")
        faults = [read_fault(entry) for entry in data]
        with self._lock:
            self._faults = faults
            self._random = random.Random(seed)  # noqa: S311 — repeatable, not secret

    def clear(self) -> None:
        """Forget every fault and the count of those that happened."""
        with self._lock:
            self._faults = []
            self._happened.clear()

    def draw(self, on: str, to: str = "") -> Fault | None:
        """Choose the fault of one request: counted ones first, then one draw over all shares."""
        with self._lock:
            fitting = [fault for fault in self._faults if fault.fits(on, to)]
            chosen = next((fault for fault in fitting if fault.times > 0), None)
            if chosen is not None:
                chosen.times -= 1
            else:
                chosen = self._draw_share([fault for fault in fitting if fault.rate > 0])
            if chosen is not None:
                self._happened[chosen.kind] += 1
            return chosen

    def _draw_share(self, fitting: list[Fault]) -> Fault | None:
        if not fitting:
            return None
        point = self._random.random()
        for fault in fitting:
            point -= fault.rate
            if point < 0:
                return fault
        return None

    def report(self) -> dict[str, Any]:
        """Return the plan as it stands and how often each kind has happened."""
        with self._lock:
            return {"faults": [vars(fault) for fault in self._faults], "happened": dict(self._happened)}
