"""Sends signed webhooks and does everything that happens a little later."""

from __future__ import annotations

import contextlib
import heapq
import http.client
import itertools
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from twilio.request_validator import RequestValidator

from .settings import Settings

WORKERS = 12
ANSWER_LIMIT = 64 * 1024


@dataclass(frozen=True)
class Overrides:
    """The wishes in a webhook address after ``#``: retry count and policy, limits in seconds."""

    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})
    connect: float = 5.0
    read: float = 15.0
    total: float = 15.0

    def again(self, failure: str) -> bool:
        """Return whether this failure is one to try again after."""
        return failure in self.policy or "all" in self.policy


def read_overrides(fragment: str, longest: float) -> Overrides:
    """Read ``rc=3&rp=all&ct=2000``; what is missing or out of range keeps the supplier's default."""
    given = dict(parse_qsl(fragment))

    def number(name: str, low: int, high: int, default: int) -> int:
        text = given.get(name, "")
        return int(text) if text.isdigit() and low <= int(text) <= high else default

    return Overrides(
        retries=number("rc", 0, 5, 1),
        policy=frozenset(given.get("rp", "ct").split(",")),
        connect=min(longest, number("ct", 100, 10_000, 5_000) / 1000),
        read=min(longest, number("rt", 100, 15_000, 15_000) / 1000),
        total=min(longest, number("tt", 100, 15_000, 15_000) / 1000),
    )


@dataclass
class Delivery:
    """What became of one webhook: the status of each try, or why there was none."""

    url: str
    params: dict[str, str]
    signature: str = ""
    tries: list[str] = field(default_factory=list)
    body: str = ""
    content_type: str = ""

    @property
    def ok(self) -> bool:
        """Return whether the last try was answered with success."""
        return bool(self.tries) and self.tries[-1].startswith("2")

    def as_control(self) -> dict[str, Any]:
        """Return it for tests."""
        return {"url": self.url, "params": self.params, "signature": self.signature, "tries": self.tries}


def on_this_machine(host: str) -> bool:
    """Return whether a host name can only mean this machine."""
    return host in ("localhost", "::1") or host.endswith(".localhost") or host.startswith("127.")


class Courier:
    """A few threads that run jobs when they are due, and the posting of webhooks."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.deliveries: deque[Delivery] = deque(maxlen=5_000)
        self._due = threading.Condition()
        self._jobs: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._busy = 0
        self._stopped = threading.Event()
        self._open: set[http.client.HTTPConnection] = set()
        self._threads = [
            threading.Thread(target=self._work, name=f"pretend-courier-{number}", daemon=True)
            for number in range(WORKERS)
        ]

    # Jobs

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def later(self, seconds: float, job: Callable[[], object]) -> None:
        """Do a job after some time."""
        with self._due:
            heapq.heappush(self._jobs, (time.monotonic() + seconds, next(self._order), job))
            self._due.notify()

    def forget_jobs(self) -> None:
        """Drop everything that is not yet due."""
        with self._due:
            self._jobs.clear()

    def settle(self, seconds: float) -> bool:
        """Wait until nothing is due or running; return whether that came in time."""
        with self._due:
            return self._due.wait_for(lambda: not self._jobs and not self._busy, seconds)

    def stop(self) -> None:
        """Stop the threads, breaking off posts that still wait for an answer."""
        with self._due:
            self._stopped.set()
            self._jobs.clear()
            self._due.notify_all()
            for connection in self._open:
                if connection.sock is not None:
                    shut(connection.sock)
        for thread in self._threads:
            thread.join(timeout=2)

    def _work(self) -> None:
        while (job := self._next_job()) is not None:
            try:
                job()
            finally:
                with self._due:
                    self._busy -= 1
                    self._due.notify_all()

    def _next_job(self) -> Callable[[], object] | None:
        with self._due:
            while not self._stopped.is_set():
                if self._jobs and (wait := self._jobs[0][0] - time.monotonic()) <= 0:
                    self._busy += 1
                    return heapq.heappop(self._jobs)[2]
                self._due.wait(wait if self._jobs else None)
            return None

    # Webhooks

    def post(self, address: str, params: dict[str, str]) -> Delivery:
        """Post a signed webhook, again where its address asks for that, and remember what became of it."""
        url, _, fragment = address.partition("#")
        validator = RequestValidator(self.settings.auth_token)
        delivery = Delivery(url, params, str(validator.compute_signature(url, params)))
        overrides = read_overrides(fragment, self.settings.webhook_timeout)
        until = time.monotonic() + overrides.total
        token = secrets.token_hex(16)
        for attempt in range(overrides.retries + 1):
            failure = self._try(delivery, overrides, token, attempt)
            if not failure or failure == "elsewhere" or not overrides.again(failure):
                break
            pause = self.settings.retry_after * 2**attempt
            if time.monotonic() + pause > until or self._stopped.wait(pause):
                break
        self.deliveries.append(delivery)
        return delivery

    def _try(self, delivery: Delivery, overrides: Overrides, token: str, attempt: int) -> str:
        """Post once; return nothing, or the kind of failure in the words of the retry policy."""
        target = urlsplit(self._served_at(delivery.url))
        if target.scheme not in ("http", "https") or not on_this_machine(target.hostname or ""):
            delivery.tries.append("refused: the address is not on this machine")
            return "elsewhere"
        connection = connect_to(target, overrides.connect)
        try:
            connection.connect()
        except (OSError, ValueError) as error:
            delivery.tries.append(f"no connection: {error}")
            return "ct"
        with self._due:
            self._open.add(connection)
        try:
            return self._exchange(connection, target, delivery, overrides, (token, attempt))
        except (OSError, http.client.HTTPException) as error:
            delivery.tries.append(f"no answer: {error or type(error).__name__}")
            return "rt"
        finally:
            with self._due:
                self._open.discard(connection)
            connection.close()

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        target: SplitResult,
        delivery: Delivery,
        overrides: Overrides,
        mark: tuple[str, int],
    ) -> str:
        connection.sock.settimeout(overrides.read)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "Host": urlsplit(delivery.url).netloc,
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": delivery.signature,
            "I-Twilio-Idempotency-Token": mark[0],
            "Accept": "*/*",
        }
        if mark[1]:
            headers["X-Twilio-Retry-Count"] = str(mark[1])
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        connection.request("POST", path, urlencode(delivery.params).encode("ascii"), headers)
        answer = connection.getresponse()
        delivery.body = answer.read(ANSWER_LIMIT).decode("utf-8", errors="replace")
        delivery.content_type = answer.headers.get_content_type()
        delivery.tries.append(str(answer.status))
        return "" if answer.status < 400 else f"{answer.status // 100}xx"

    def _served_at(self, url: str) -> str:
        for public, local in self.settings.routes.items():
            if url == public or url.startswith(public.rstrip("/") + "/"):
                return local.rstrip("/") + url[len(public.rstrip("/")) :]
        return url


def connect_to(target: SplitResult, seconds: float) -> http.client.HTTPConnection:
    """Prepare a connection; names below .localhost mean this machine even where the resolver disagrees."""
    host = target.hostname or ""
    host = "127.0.0.1" if host.endswith(".localhost") else host
    if target.scheme == "https":
        return http.client.HTTPSConnection(host, target.port, timeout=seconds)
    return http.client.HTTPConnection(host, target.port, timeout=seconds)


def shut(sock: socket.socket) -> None:
    """End a socket that another thread may be waiting on."""
    with contextlib.suppress(OSError):  # It may have ended by itself in the meantime.
        sock.shutdown(socket.SHUT_RDWR)
