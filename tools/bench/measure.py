"""What is measured, in which order, and beside which floor and target (the table of PERFORMANCE targets)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tools.bench import auditing
from tools.bench.floors import Floors
from tools.bench.growth import LEVELS, Growth
from tools.bench.load import Ask, Waited, ask_all, cpu_seconds
from tools.bench.messaging import Sending, storm
from tools.bench.stage import Desk
from tools.bench.streams import webhook_to_board
from tools.places import ROOT, Trouble
from tools.progress import step

TOKEN = "benchbenchbenchbenchbenchbenchbe"  # a form's token and its cookie only have to agree
BETTER_PEER_PER_SECOND = 113  # the faster of the two that users would pick instead, measured earlier


@dataclass
class Row:
    """One line of the table. Milliseconds unless it says otherwise; a ratio is ours to the floor."""

    what: str
    ours: float
    unit: str = "ms"
    floor: float | None = None
    target: str = ""
    met: bool | None = None
    work: float | None = None  # CPU milliseconds of the pages' processes for each request

    @property
    def ratio(self) -> float | None:
        return self.ours / self.floor if self.floor else None

    def as_json(self) -> dict[str, Any]:
        names = ("what", "ours", "unit", "work", "floor", "ratio", "target", "met")
        return {name: getattr(self, name) for name in names}


def at_most(
    what: str, ours: float, limit: float, floor: float | None = None, work: float | None = None
) -> Row:
    """A row in milliseconds with an upper limit."""
    return Row(what, ours, "ms", floor, f"≤ {limit:g} ms", ours <= limit, work)


PARTS = {
    "board": "The board",
    "search": "Finding patients",
    "suggested": "Suggested times",
    "booking": "Booking",
    "one_slot": "Fifty clients, one slot",
    "growth": "The same with a long history",
    "audit": "The audit of a thousand practices",
    "storm": "A storm of webhooks",
    "streams": "From a webhook to the board",
    "sending": "Sending",
}


class Bench:
    """A desk and the requests that are put to it."""

    def __init__(self, desk: Desk, share: float, patients: int) -> None:
        self.desk, self.facts, self.share, self.patients = desk, desk.facts, share, patients
        self.floors = Floors(desk.superuser, desk.facts)
        self.page = f"/p/{self.facts['practice']}"
        self.api = f"/api/v1/p/{self.facts['practice']}"
        self.signed_in = {"Cookie": f"{self.facts['cookie']}; csrftoken={TOKEN}"}
        self.free = iter(self.facts["free"])
        self.callers = iter(self.facts["patients"] * 3)

    def times(self, full: int) -> int:
        return max(round(full * self.share), 16)

    def pages(self, path: str, full: int, clients: int = 1) -> Waited:
        self.warm(path)
        return self.ask([Ask(path, headers=self.signed_in)] * self.times(full), clients)

    def part(self, path: str) -> Waited:
        """A part of a page, asked for as live.js does."""
        self.warm(path)
        headers = {**self.signed_in, "HX-Request": "true", "X-Live": "1"}
        return self.ask([Ask(path, headers=headers)] * self.times(120))

    def ask(self, asks: list[Ask], clients: int = 1) -> Waited:
        """The requests with the CPU time that the pages' processes spent on each."""
        before = cpu_seconds(self.desk.web)
        waited = ask_all(self.desk.port, asks, clients)
        after = cpu_seconds(self.desk.web)
        if before is not None and after is not None:
            waited.work = (after - before) * 1000 / len(waited.each)
        return waited

    def warm(self, path: str) -> None:
        """Both workers have answered before the clock runs."""
        ask_all(self.desk.port, [Ask(path, headers=self.signed_in)] * 16, 4)

    def empty(self) -> tuple[Waited, Waited]:
        self.warm("/empty")
        asks = [Ask("/empty")] * self.times(1200)
        return self.ask(asks), self.ask(asks, 8)

    def board(self) -> Iterator[Row]:
        path = f"{self.page}/today/"
        floor = self.floors.board(self.times(200)).median
        one = self.pages(path, 120)
        yield at_most(
            "board, 5 clinicians and 80 visits, whole page, 1 client", one.median, 25, floor, one.work
        )
        eight = self.pages(path, 400, 8)
        yield at_most("  the same, 8 clients, p95", eight.p95, 300, None, eight.work)
        yield Row("  the same, 8 clients, pages a second", eight.per_second, "/s")
        who = self.facts["practitioner_ids"][0]
        column = self.part(f"{path}?fragment=column&who={who}&from=0&to=1440")
        yield at_most("one column refreshed after a change, 1 client", column.median, 8, floor, column.work)
        panel = self.part(f"{self.page}/appointments/{self.facts['visit']}/")
        floor = self.floors.visit(self.times(200)).median
        yield at_most(
            "one visit refreshed after a change (its panel), 1 client", panel.median, 8, floor, panel.work
        )

    def search(self) -> Iterator[Row]:
        floor = self.floors.search(self.times(200)).p95
        headers = {
            "Cookie": self.signed_in["Cookie"],
            "X-CSRFToken": TOKEN,
            "HX-Request": "true",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        for how, texts in self.facts["searches"].items():
            asks = [
                Ask(f"{self.page}/patients/search/", "POST", b"q=" + quote(text).encode(), headers)
                for text in texts * 2
            ]
            waited = self.ask(asks[: self.times(400)], 8)
            yield at_most(
                f"patient {how} among {self.patients:,}, 8 clients, p95", waited.p95, 150, floor, waited.work
            )

    def suggested(self) -> Iterator[Row]:
        floor = self.floors.times(self.times(100)).median
        each = self.times_inside()
        what = "suggested times, 10 clinicians × 4 weeks with needs, rooms and buffers"
        yield at_most(what, each.median, 30, floor)

    def times_inside(self) -> Waited:
        """The milliseconds of `suggest_times`, called in a process of its own."""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tools.bench.inside"),
                *(self.facts["practice"], self.facts["kind"], str(self.times(60))),
            ],
            cwd=ROOT,
            env=self.desk.variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Trouble(f"The suggested times could not be measured:\n{done.stderr[-2000:]}")
        return Waited(json.loads(done.stdout), 1.0, Counter())

    def growth(self) -> Iterator[Row]:
        """Board, suggested times and booking again, as past visits become millions."""
        first: dict[str, float] = {}
        # A person who asks for nothing for so long would be signed out.
        here = [Ask(f"{self.page}/card/", headers=self.signed_in)]
        history = Growth(self.floors.server, self.facts, lambda: ask_all(self.desk.port, here))
        for level in LEVELS:
            history.up_to(level)
            for what, (now, pace) in self.three_rounds().items():
                yield Row(f"{what} at {level:,} visits", now, floor=pace)
                ratio = (now / pace) / first.setdefault(what, now / pace)
                if level != LEVELS[0]:
                    words = f"  to the same at {LEVELS[0]:,}, both by an empty view"
                    yield Row(words, ratio, "×", None, "≤ 1.10 ×", ratio <= 1.1)

    def three_rounds(self) -> dict[str, tuple[float, float]]:
        """Board, suggested times, booking, each with the empty view of its round: medians of three rounds.

        The machine's pace drifts by more than what is looked for; the empty view drifts with it.
        """
        rounds: list[dict[str, tuple[float, float]]] = []
        for _ in range(3):
            pace = self.ask([Ask("/empty")] * self.times(600)).median
            rounds.append(
                {
                    "board": (self.pages(f"{self.page}/today/", 40).median, pace),
                    "suggested times": (self.times_inside().median, pace),
                    "booking": (self.ask([self.book() for _ in range(self.times(50))]).median, pace),
                }
            )
        return {
            what: sorted((one[what] for one in rounds), key=lambda pair: pair[0] / pair[1])[1]
            for what in rounds[0]
        }

    def audit(self) -> Iterator[Row]:
        """One day of a thousand practices, check by check, all at once, and as morning reviews."""
        for what, ours, unit, floor, limit in auditing.rows_of(self.desk, self.floors.server):
            words = f"≤ {limit:,.1f} {unit}" if limit else ""
            yield Row(what, ours, unit, floor, words, ours <= limit if limit else None)

    def booking(self) -> Iterator[Row]:
        """Bookings over HTTP with gate, audit, confirmation text and link, each of a slot nobody has."""
        one = self.ask([self.book() for _ in range(self.times(160))])
        yield Row("booking through the API, 1 client", one.median, work=one.work)
        eight = self.ask([self.book() for _ in range(self.times(800))], 8)
        bare = self.floors.book(1, self.times(150))
        bare8 = self.floors.book(8, self.times(150))
        yield Row("  the same, 1 client", one.per_second, "/s", bare.per_second)
        limit = 4 * BETTER_PEER_PER_SECOND
        speed = eight.per_second
        yield Row("  the same, 8 clients", speed, "/s", bare8.per_second, f"≥ {limit} /s", speed >= limit)
        share = speed / bare8.per_second
        yield Row("  the same, of bare SQL bookings", share, "×", None, "≥ 0.10 ×", share >= 0.10)
        yield at_most("  the same, 8 clients, p95", eight.p95, 60, bare8.p95, eight.work)

    def one_slot(self) -> Iterator[Row]:
        who, when = next(self.free)
        asks = [self.book(who, when, good=(201, 409)) for _ in range(50)]
        waited = self.ask(asks, 50)
        right = waited.answers == Counter({409: 49, 201: 1})
        words = "1 booked, 49 refused, ≤ 500 ms"
        met = right and waited.slowest <= 500
        yield Row("fifty clients and one slot, slowest", waited.slowest, "ms", None, words, met)

    def sending(self) -> Iterator[Row]:
        """Due texts through the outbox by two worker processes, beside as many bare tasks."""
        ours, bare = Sending(self.desk, self.times(1200)).measure()
        met = ours / bare >= 0.7
        yield Row("texts a second, 2 worker processes, supplier at 20 ms", ours, "/s", bare, "≥ 0.7 ×", met)

    def storm(self) -> Iterator[Row]:
        """The same webhooks over and over, from twenty threads."""
        waited, second = storm(self.desk, self.share)
        yield Row("duplicated webhooks from 20 threads, p95", waited.p95)
        yield Row("  the same, second effects", second, "rows", None, "0", second == 0)

    def streams(self) -> Iterator[Row]:
        each, megabytes = webhook_to_board(self.desk)
        waited = Waited(each, 1.0, Counter())
        yield at_most("webhook to board in a browser, 200 streams open, p95", waited.p95, 1000)
        yield Row("  the same, median", waited.median)
        yield Row("  the live process then", megabytes, "MB", None, "≤ 200 MB", megabytes <= 200)

    def book(self, who: str = "", when: str = "", good: tuple[int, ...] = (201,)) -> Ask:
        if not who:
            who, when = next(self.free)
        body = {
            "patient": next(self.callers),
            "practitioner": who,
            "type": self.facts["kind"],
            "starts_at": when,
            "reason": "Blood pressure check",
        }
        headers = {
            "Authorization": f"Bearer {self.facts['api_key']}",
            "Content-Type": "application/json",
        }
        return Ask(f"{self.api}/appointments/", "POST", json.dumps(body).encode(), headers, good)


def measure_all(desk: Desk, *, share: float, patients: int, only: Sequence[str] = ()) -> list[Row]:
    """Every row, or those of the named parts (PARTS); the ones that read before those that write."""
    bench = Bench(desk, share, patients)
    rows: list[Row] = []
    try:
        with step("An empty view"):
            one, eight = bench.empty()
        rows.append(Row("an empty view, 1 client", one.median, work=one.work))
        rows.append(Row("  the same, 8 clients, p95", eight.p95))
        rows.append(Row("  the same, 8 clients, a second", eight.per_second, "/s"))
        for part, words in PARTS.items():
            if only and part not in only:
                continue
            with step(words):
                for row in getattr(bench, part)():  # said at once: what fails later takes nothing with it
                    print(f"      {row.what}: {row.ours:,.2f} {row.unit}", flush=True)
                    rows.append(row)
    finally:
        bench.floors.close()
    return rows
