"""Two hundred open streams in one process, and the time from a webhook to the board in a browser."""

from __future__ import annotations

import asyncio
import http.client
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tools import browser
from tools.bench.load import ask_all
from tools.bench.messaging import inside, webhook
from tools.bench.stage import Desk
from tools.places import ROOT, Trouble
from tools.postgres import free_port

STREAMS, ANSWERS = 200, 20
PATIENCE = 20_000  # milliseconds until a card has to be green


@contextmanager
def live_process(desk: Desk) -> Iterator[tuple[int, int]]:
    """One process that serves streams, and pages for the browser, as the demo does: its port and its pid."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "frontdesk.asgi:application", "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--no-access-log", "--log-level", "error"],
        cwd=ROOT,
        env=desk.variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, process)
        yield port, process.pid
    finally:
        process.kill()
        process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        time.sleep(0.1)
    raise Trouble("The process of the streams did not start.")


class Streams:
    """Streams that are held open by a thread of their own and count what they hear."""

    def __init__(self, port: int, path: str, cookie: str, count: int) -> None:
        self.port, self.path, self.cookie, self.count = port, path, cookie, count
        self.open = self.heard = 0
        self.held: list[asyncio.StreamWriter] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.refused: Counter[str] = Counter()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Streams:
        self.thread.start()
        deadline = time.monotonic() + 60
        while self.open < self.count:
            if time.monotonic() > deadline:
                self.__exit__()
                refused = ", ".join(f"{count} × {why}" for why, count in self.refused.items())
                raise Trouble(f"{self.open} of {self.count} streams opened. Refused: {refused or 'none'}.")
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._close)
        self.thread.join(10)
        self.loop.close()

    # As many at a time as a crowd of browsers that comes back after a break, not all in one instant.
    DOORS = 20

    def _run(self) -> None:
        self.door = asyncio.Semaphore(self.DOORS)
        # A loop and a stream's protocol know tasks weakly: one that nobody else holds is swept away.
        self.tasks = [self.loop.create_task(self._hold()) for _ in range(self.count)]
        self.loop.run_forever()

    def _close(self) -> None:
        for task in self.tasks:
            task.cancel()
        for writer in self.held:
            writer.close()
        ended = asyncio.gather(*self.tasks, return_exceptions=True)
        ended.add_done_callback(lambda _: self.loop.stop())

    async def _hold(self) -> None:
        while True:
            async with self.door:
                reader = await self._opened()
            if reader is None:  # it asks again, as browsers do
                await asyncio.sleep(1)
                continue
            self.open += 1
            try:
                while line := await reader.readline():
                    self.heard += line.startswith(b"data:")
            finally:
                self.open -= 1

    async def _opened(self) -> asyncio.StreamReader | None:
        """A stream that was admitted, or nothing."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            head = [f"GET {self.path} HTTP/1.1", "Host: 127.0.0.1", f"Cookie: {self.cookie}"]
            writer.write("\r\n".join([*head, "Accept: text/event-stream", "", ""]).encode())
            first = await reader.readline()
        except OSError as broken:
            self.refused[type(broken).__name__] += 1
            return None
        if b" 200 " in first:
            self.held.append(writer)
            return reader
        self.refused[first.decode().strip() or "no answer"] += 1
        writer.close()
        return None


def memory(pid: int) -> float:
    """Megabytes that a process holds; nothing where there is no /proc."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
    return 0.0


def webhook_to_board(desk: Desk) -> tuple[list[float], float]:
    """Milliseconds from an answered webhook's sending to the green card; and the live process's memory."""
    made = inside(desk, "asked", desk.facts["practice"], str(ANSWERS))
    cookie = desk.facts["cookie"]
    with live_process(desk) as (port, pid), Streams(port, "/all/live/", cookie, STREAMS):
        each = _in_browser(desk, port, cookie, made)
        return each, memory(pid)


def _in_browser(desk: Desk, port: int, cookie: str, made: dict[str, Any]) -> list[float]:
    from playwright.sync_api import sync_playwright

    program = browser.find_or_install()
    flags = [flag for flag in browser.FLAGS if flag != "--headless"]
    each = []
    with sync_playwright() as driver:
        chrome = driver.chromium.launch(executable_path=str(program), args=flags)
        name, _, value = cookie.partition("=")
        context = chrome.new_context(viewport={"width": 1440, "height": 1000})
        context.add_cookies([{"name": name, "value": value, "url": f"http://127.0.0.1:{port}"}])
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/p/{desk.facts['practice']}/today/?d={made['day']}")
        page.wait_for_timeout(1500)  # the stream is open
        for number, (visit, phone) in enumerate(made["asked"]):
            asked = webhook(desk, desk.facts["practice"], made["line"], 500_000 + number, phone, "YES")
            began = time.perf_counter()
            ask_all(desk.port, [asked])
            page.wait_for_selector(f"#visit-{visit}.st-conf", state="attached", timeout=PATIENCE)
            each.append((time.perf_counter() - began) * 1000)
        chrome.close()
    return each
